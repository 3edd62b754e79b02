using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Engine;

/// <summary>Runs ops forward, remembers their order, and replays them in reverse to push gradients back.</summary>
/// <remarks>
/// A reused list of records, without delegates. What needs no gradient records nothing, so that freezing needs no
/// code in the models. Activations live in an arena and are given up as the replay passes them; their gradients come
/// from a pool. Gradients are added to; the first op that has one for a parameter or an activation may overwrite it.
/// </remarks>
public sealed partial class Tape(Backend backend, bool poison = false) : IDisposable
{
    private readonly Arena _arena = new(backend, poison);
    private readonly TensorPool _gradientMemory = new(backend, poison);
    private TapeRecord[] _records = new TapeRecord[256];
    private Tensor[] _gradients = new Tensor[256];
    private int _recordCount, _slotCount;
    private bool _recording, _training;
    private bool _recompute, _again;
    private string _part = "";
    private (ulong Seed, long Update) _random;

    public Backend Backend => backend;

    /// <summary>Bytes of device memory held for activations and their gradients.</summary>
    public long ReservedBytes => _arena.ReservedBytes + _gradientMemory.ReservedBytes;

    /// <summary>Operations of the pass's products so far, a multiply-add counted as two.</summary>
    /// <remarks>What the mathematics needs: no product for the gradient of what is frozen, or of what nothing that
    /// trains lies below; nor what is computed again to save memory. Attention is not among them.</remarks>
    public double ProductFlops { get; private set; }

    /// <summary>Whether the pass trains: only then does anything drop out, also where a block runs again.</summary>
    public bool IsTraining => _training;

    /// <summary>Starts a pass that will be pushed back.</summary>
    /// <param name="recompute">Keep only what enters each block, and run blocks again in the backward pass.
    /// Chen et al. 2016, "Training deep nets with sublinear memory cost".</param>
    /// <param name="seed">Of dropout; see <see cref="DropoutKey"/>.</param>
    /// <param name="update">Of dropout: the optimizer step.</param>
    public void BeginTraining(bool recompute = false, ulong seed = 0, long update = 0)
    {
        Clear();
        ProductFlops = 0;
        (_recording, _training) = (true, true);
        _recompute = recompute;
        _random = (seed, update);
    }

    /// <summary>Starts a pass without gradients; what a block holds is given up when it ends.</summary>
    public void BeginInference()
    {
        Clear();
        ProductFlops = 0;
        (_recording, _training) = (false, false);
        _recompute = false;
    }

    /// <summary>Memory for inputs and results of the pass, valid until the next pass begins.</summary>
    public Tensor Take(DType type, Shape shape) => _arena.Take(type, shape);

    /// <summary>Copies numbers of the host into such memory.</summary>
    /// <param name="type">Of as many bytes as <typeparamref name="T"/>.</param>
    public Tensor Upload<T>(ReadOnlySpan<T> values, DType type, Shape shape)
        where T : unmanaged
    {
        Tensor tensor = Take(type, shape);
        backend.Upload(MemoryMarshal.AsBytes(values), tensor);
        return tensor;
    }

    /// <summary>Says what the ops that follow belong to, for profilers; so do their backward passes.</summary>
    public void Mark(string part)
    {
        _part = part;
        backend.Mark(part);
    }

    /// <summary>Pushes the gradients that the loss left behind back through every recorded op.</summary>
    public void Backward()
    {
        ReplayDownTo(0);
        Clear();
    }

    public void Dispose()
    {
        _arena.Dispose();
        _gradientMemory.Dispose();
    }

    /// <summary>Runs a block, and keeps or gives up what is inside as the mode of the pass says.</summary>
    public Activation Block(IBlock block, Activation x)
    {
        Mark(block.Name);
        if (_recording && !_recompute)
            return block.Forward(this, x);

        // The result is taken before the block's own memory, so that it outlives it.
        Arena.Mark start = _arena.Position;
        Tensor result = _arena.Take(x.Value.Type, x.Value.Shape);
        Arena.Mark inside = _arena.Position;
        bool recording = _recording;
        _recording = false;
        backend.Convert(block.Forward(this, x).Value, result);
        _recording = recording;
        _arena.ReturnTo(inside);
        Activation output = Result(result, !x.IsConstant || block.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord { Op = TapeOp.Block, Mark = start, X = x, Output = output, Block = block });
        return output;
    }

    private void Clear()
    {
        for (int slot = 0; slot < _slotCount; slot++)
            GiveUpGradient(slot);
        (_recordCount, _slotCount) = (0, 0);
        SetRows(Tensor.None, null);
        _arena.ReturnTo(default);
    }

    /// <summary>Output of an op: constant unless something that it depends on needs a gradient.</summary>
    private Activation Result(Tensor value, bool needsGradient) =>
        new(value, _recording && needsGradient ? NewSlot() : -1);

    private int NewSlot()
    {
        if (_slotCount == _gradients.Length)
            Array.Resize(ref _gradients, 2 * _slotCount);
        _gradients[_slotCount] = Tensor.None;
        return _slotCount++;
    }

    private void Record(in TapeRecord record)
    {
        if (_recordCount == _records.Length)
            Array.Resize(ref _records, 2 * _recordCount);
        _records[_recordCount] = record;
        _records[_recordCount++].Part = _part;
    }

    /// <summary>Where a backward op adds the gradient of an activation; none for a constant.</summary>
    private Tensor GradientOf(Activation activation)
    {
        InputGradient gradient = GradientToWrite(activation);
        if (gradient.Overwrites)
            backend.Fill(0, gradient.Value);
        return gradient.Value;
    }

    /// <summary>The same for an op that can overwrite what nothing was added to yet; it writes all of it.</summary>
    private InputGradient GradientToWrite(Activation activation)
    {
        if (activation.IsConstant)
            return Tensor.None;
        ref Tensor gradient = ref _gradients[activation.Slot];
        bool isFirst = gradient.IsNone;
        if (isFirst)
            gradient = _gradientMemory.Take(activation.Value.Type, activation.Value.Shape);
        return new InputGradient(gradient.Reshape(activation.Value.Shape), isFirst);
    }

    /// <summary>Adds a gradient, not read again, to an activation's, by taking it over where that is free.</summary>
    /// <param name="slot">Whose gradient it is; it has none afterwards.</param>
    private void PassOn(int slot, Activation target)
    {
        if (target.IsConstant)
        {
            GiveUpGradient(slot);
        }
        else if (_gradients[target.Slot].IsNone)
        {
            _gradients[target.Slot] = _gradients[slot];
            _gradients[slot] = Tensor.None;
        }
        else
        {
            Tensor sum = GradientOf(target);
            backend.Add(_gradients[slot].Reshape(sum.Shape), sum, sum);
            GiveUpGradient(slot);
        }
    }

    private void GiveUpGradient(int slot)
    {
        if (_gradients[slot].IsNone)
            return;
        _gradientMemory.Return(_gradients[slot]);
        _gradients[slot] = Tensor.None;
    }
}
