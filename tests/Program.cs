using FastCpt.Tests.Support;

return args.Length > 0 ? ChildProcess.Run(args[0], args[1..]) : 0;
