namespace FastCpt.Kernels.Cpu;

/// <summary>Where attention's gradients come from and go to.</summary>
internal readonly struct AttentionGradients(Tensor o, Tensor lse, Tensor dO, Tensor dq, Tensor dk, Tensor dv)
{
    public Tensor Output => o;

    public Tensor Lse => lse;

    public Tensor DOutput => dO;

    public Tensor DQueries => dq;

    public Tensor DKeys => dk;

    public Tensor DValues => dv;
}
