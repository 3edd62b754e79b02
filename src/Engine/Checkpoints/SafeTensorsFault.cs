namespace FastCpt.Engine.Checkpoints;

/// <summary>Why a safetensors file or an index was refused; the name stands in the message after the path.</summary>
public enum SafeTensorsFault
{
    HeaderTooSmall,
    HeaderTooLarge,
    InvalidHeaderLength,
    InvalidHeaderUtf8,
    InvalidHeaderJson,
    DuplicateKey,
    InvalidMetadata,
    InvalidTensorInfo,
    UnsupportedDtype,
    ValidationOverflow,
    TensorSizeMismatch,
    InvalidOffset,
    IncompleteBuffer,
    LimitExceeded,
    MissingTensor,
    UnexpectedTensor,
    ShapeMismatch,
    NonFiniteWeights,
    InvalidIndex,
}
