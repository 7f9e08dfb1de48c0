"""What reproduces the paper's Table 5 and Figure 7, and a study of hidden joints."""
