"""Ten thousand trials of ten classes at once: which of them pass by Holm's step-down."""

import numpy as np

from tests.pass_region import pass_region


def class_trials(losses, gained, sizes, trials, seed=0):
    """Draw rows lost and gained of each class in each trial: (trials, classes, 2)."""
    dice = np.random.default_rng(seed)
    chances = [[gained + loss, gained, 1 - 2 * gained - loss] for loss in losses]
    drawn = [dice.multinomial(rows, each, size=trials)[:, :2] for rows, each in zip(sizes, chances, strict=True)]
    return np.stack(drawn, axis=1)


def passing(drawn, sizes, margin, confidence=0.95):
    """Tell which class of which trial passes, (trials, classes): `judge_classes`, by the pass regions of all levels."""
    held = np.ones((len(sizes) + 1, *drawn.shape[:2]), bool)  # at the level of one among so many
    order = 1 - (1 - confidence) / len(sizes)
    for among in range(1, len(sizes) + 1):
        level = 1 - (1 - confidence) / among
        for place, rows in enumerate(sizes):
            edge = pass_region(rows, margin, level, order)
            held[among, :, place] = drawn[:, place, 0] <= edge[drawn[:, place, 1]]
    passed = np.zeros(drawn.shape[:2], bool)
    for trial in range(len(drawn)):
        while not passed[trial].all():
            more = held[(~passed[trial]).sum(), trial] | passed[trial]
            if (more == passed[trial]).all():
                break
            passed[trial] = more
    return passed
