using FastCpt;

return CommandLine.Run(args, Console.Out, Console.Error);
