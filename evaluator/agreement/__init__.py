"""How far a judge agrees with labels: read labels, take predictions, compute figures, print a report.

`labels` reads the labelled rows, `predictions` turns evaluations into plain verdicts, `comparison` computes every
figure from the two without any judge, `measure` runs a judge to get the predictions, `report` puts it all together.
"""
