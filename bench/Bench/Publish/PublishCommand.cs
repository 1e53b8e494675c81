using System.CommandLine;
namespace Webhooks.Bench.Publish;
internal static class PublishCommand { public static Command Create() => new("publish"); }
