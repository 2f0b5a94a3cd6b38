"""What the benchmarks share: pinned processes, CPU and memory from /proc, load generators, peers, reports."""
