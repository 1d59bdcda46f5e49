from __future__ import annotations

import numpy as np
import torch

from discern.evaluation.cost import BATCH, Candidate, measure_costs


def test_models_are_measured_in_turn() -> None:
    inputs = np.zeros((BATCH, 4))
    sizes: list[int] = []

    def predict(batch: np.ndarray) -> int:
        sizes.append(len(batch))
        return int(np.zeros(3_000_000).sum())

    candidates = [("net", Candidate(predict, inputs, 7, 1000)), ("knn", Candidate(predict, inputs, None, 10))]
    costs = measure_costs(iter(candidates), torch.device("cpu"))
    assert list(costs) == ["net", "knn"] and set(sizes) == {1, BATCH}
    assert costs["net"].parameters == 7 and costs["knn"].parameters is None
    assert costs["net"].latency_ms > costs["net"].batch_ms > 0
    assert all(cost.memory >= 10 and cost.memory_kind in ("peak", "weights") for cost in costs.values())
