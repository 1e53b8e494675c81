using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Secrets that change, leak, or are wrong on one side.</summary>
internal static class SecretDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("rotate-with-overlap", "During the overlap each request is signed with the old secret and the new one")
        {
            Tags = ["secrets"],
            Story = """
                The platform gives an endpoint a new secret. Until the customer has configured it, requests must still verify with the old one; so for the
                overlap they bear both signatures, the newest first.
                """,
            Steps = [Publish(1), Until(See.Delivered(1)), Rotate(TimeSpan.FromHours(1)), Publish(1), Until(See.Delivered(2))],
            Expect =
            [
                See.That("the request after the rotation verifies with either secret alone", Look.Stub,
                    e => e.One.Target.Secrets.All(secret => e.One.Requests[^1].Request.Verify(secret).IsValid),
                    e => string.Join(", ", e.One.Target.Secrets.Select(secret => e.One.Requests[^1].Request.Verify(secret).Status))),
                See.Changed("endpoint.secret_rotated", "operator"),
            ],
            Bites = ["overlap"],
        },
    ];
}
