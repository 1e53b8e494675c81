namespace Webhooks.Receiver;
internal sealed class FeedClient(Func<HttpClient> clients, TimeProvider time) { public Func<HttpClient> C => clients; public TimeProvider T => time; }
