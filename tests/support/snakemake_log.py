"""The log of a run of Snakemake, and the mean times of its rules."""

import time

PLAN = """Job stats:
job      count
-----  -------
train        4
table        1
all          1
total        6

Select jobs to execute...
Execute 2 jobs...
[Mon Jan  1 00:00:00 2024]
Job 1: Train the first
Reason: Missing output files: a.pt
Shell command: python -m softsed --log results/demo/logs/train/a.log train
[Mon Jan  1 00:00:00 2024]
Job 2: Train the second
Shell command: python -m softsed --log results/demo/logs/train/b.log train
"""
LATER = """[Mon Jan  1 00:01:00 2024]
Finished jobid: 1 (Rule: train)
1 of 6 steps (17%) done
[Mon Jan  1 00:01:00 2024]
Finished jobid: 2 (Rule: train)
[Mon Jan  1 00:01:00 2024]
Job 3: Train the third
Shell command: python -m softsed --log results/demo/logs/train/c.log train
"""
BEGIN = time.mktime(time.strptime("Mon Jan  1 00:00:00 2024", "%a %b %d %H:%M:%S %Y"))
TIMES = {"train": 50.0, "table": 10.0}
