using Webhooks.Slow;

// The parts run as processes of their own: each has its own file handles and its own memory.
return args switch
{
    [ReceiverProgram.Name, var folder, var secret] => await ReceiverProgram.RunAsync(folder, secret),
    [SendersProgram.Name, .. var rest] => await SendersProgram.RunAsync(SendersPlan.Parse(rest)),
    _ => await SlowCommand.RunAsync(args),
};
