namespace FastCpt.Bench.Kernels;

public class SwiGluBench : GateBench
{
    public override void Forward() => Backend.SwiGlu(Gate, Up, Y);

    public override void Backward() => Backend.SwiGluBackward(Gate, Up, Y, DGate, DUp);
}
