"""Triton kernels. Only ``losses.fused`` imports them: Triton is optional.

All of them read a row's logits in blocks, in base 2 (exp2 is one instruction, exp is not), with a
float32 accumulator (float64 in the interpreter's tests: ``ACC``) and the row's index in 64 bits:
row · stride passes 2³¹ at 16,745 rows of a vocabulary of 128,256. A row of weight 0 is not read.
"""
