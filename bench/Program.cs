using FastCpt.Bench;

return args is ["steps", .. var rest] ? StepTimes.Run(rest) : 2;
