using System.CommandLine;
namespace Webhooks.Bench.Snapshot;
internal static class SnapshotCommand { public static Command Create() => new("snapshot"); }
