"""The one batch of this worker, which the logits processor and the attention hook share."""
from .follow import Batch

BATCH = Batch()
