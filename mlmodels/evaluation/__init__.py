"""
Measuring painters against each other. No Django; `manage.py evaluate_model` is the command.

painters: what can be measured · peers: other people's · metrics: one number each · measure: over folders of data ·
bars: the targets · media, report, sheet: for the eye
"""
