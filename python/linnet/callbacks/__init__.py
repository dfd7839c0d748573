"""What happens between epochs and batches."""

from linnet.callbacks.backup_and_restore import BackupAndRestore
from linnet.callbacks.callback import Callback
from linnet.callbacks.callback_list import CallbackList
from linnet.callbacks.csv_logger import CSVLogger
from linnet.callbacks.early_stopping import EarlyStopping
from linnet.callbacks.history import History
from linnet.callbacks.lambda_callback import LambdaCallback
from linnet.callbacks.learning_rate_finder import LearningRateFinder
from linnet.callbacks.learning_rate_scheduler import LearningRateScheduler
from linnet.callbacks.model_checkpoint import ModelCheckpoint
from linnet.callbacks.monitor import MonitorCallback
from linnet.callbacks.progbar_logger import ProgbarLogger
from linnet.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from linnet.callbacks.swap_ema_weights import SwapEMAWeights
from linnet.callbacks.tensor_board import TensorBoard
from linnet.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateFinder",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
