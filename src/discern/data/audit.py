"""The audit of any data set: what stands in each example, which are duplicates, and what is wrong."""

from __future__ import annotations

from discern.data.config import DataConfig
from discern.data.dataset import Dataset, TableDataset
from discern.data.duplicates import DuplicateGroups, find_duplicates
from discern.data.findings import Audit
from discern.data.image_audit import audit_images
from discern.data.scan import ImageStats, scan_images
from discern.data.table_audit import audit_table
from discern.progress import Progress, ignore_progress


def audit_dataset(
    dataset: Dataset, progress: Progress = ignore_progress, config: DataConfig | None = None
) -> tuple[ImageStats, DuplicateGroups, Audit]:
    """Scan a data set, group its duplicates as ``config`` says, and judge it.

    A `DataError` says where leaving examples out leaves nothing, or empties a class.
    """
    if isinstance(dataset, TableDataset):
        return audit_table(dataset)
    stats = scan_images(dataset, progress)
    config = config or DataConfig()
    duplicates = find_duplicates(stats, progress, config.duplicates, config.duplicate_threshold, dataset.labels)
    return stats, duplicates, audit_images(dataset, stats, duplicates)
