namespace FastCpt.Bench.Kernels;

public class GeGluBench : GateBench
{
    public override void Forward() => Backend.GeGlu(Gate, Up, Y);

    public override void Backward() => Backend.GeGluBackward(Gate, Up, Y, DGate, DUp);
}
