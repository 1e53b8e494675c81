using Microsoft.EntityFrameworkCore;

namespace Webhooks.PlatformService;

/// <summary>An invoice as EF Core sees it.</summary>
internal sealed class Invoice
{
    public long Id { get; init; }

    public required string Application { get; init; }

    public long AmountCents { get; init; }

    public required string Status { get; set; }
}

/// <summary>The platform's tables.</summary>
internal sealed class BillingContext(DbContextOptions<BillingContext> options) : DbContext(options)
{
    public const string Tables =
        """
        CREATE SCHEMA IF NOT EXISTS billing;
        CREATE TABLE IF NOT EXISTS billing.customer (application text PRIMARY KEY, name text NOT NULL);
        CREATE TABLE IF NOT EXISTS billing.invoice (
            id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            application  text NOT NULL REFERENCES billing.customer,
            amount_cents bigint NOT NULL CHECK (amount_cents > 0),
            status       text NOT NULL CHECK (status IN ('open', 'paid')));
        CREATE TABLE IF NOT EXISTS billing.paused_endpoint (endpoint text PRIMARY KEY, number bigint NOT NULL, at timestamptz NOT NULL, details jsonb NOT NULL);
        """;

    public DbSet<Invoice> Invoices => Set<Invoice>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<Invoice>(invoice =>
    {
        invoice.ToTable("invoice", "billing");
        invoice.Property(one => one.Id).HasColumnName("id");
        invoice.Property(one => one.Application).HasColumnName("application");
        invoice.Property(one => one.AmountCents).HasColumnName("amount_cents");
        // Whoever else has paid it meanwhile: then nothing is saved, and nothing published.
        invoice.Property(one => one.Status).HasColumnName("status").IsConcurrencyToken();
    });
}
