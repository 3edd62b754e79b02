using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Parameters;

public sealed class ParameterTests
{
    [Test]
    public void ClearedGradient_IsZero_WhateverItHeld()
    {
        using Backend backend = Backends.Open("cpu");
        using ParameterSet parameters = new(backend, DType.F32);
        Parameter trained = parameters.Add("trained", new Shape(3, 5)), frozen = parameters.Add("frozen", new Shape(4));
        parameters.Train(parameter => parameter == trained);
        backend.Fill(7, trained.Gradient);
        parameters.ClearGradients();
        Assert.That(TestTensors.Read(backend, trained.Gradient), Is.All.EqualTo(0));
        Assert.That(frozen.Gradient.IsNone);
    }

    [Test]
    public void OverwrittenGradient_IsClearedNoMore()
    {
        using Backend backend = Backends.Open("cpu");
        using ParameterSet parameters = new(backend, DType.F32);
        Parameter weight = parameters.Add("weight", new Shape(2, 2));
        parameters.Train(_ => true);
        parameters.ClearGradients();
        Assert.That(weight.IsCleared);
        backend.Fill(3, weight.GradientToOverwrite());
        Assert.That(weight.IsCleared, Is.False);
        Assert.That(TestTensors.Read(backend, weight.Gradient), Is.All.EqualTo(3));
    }
}
