using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Links;

/// <summary>A network device of Linux whose other end is this program: what is routed to it is read here, and what is written here arrives from it.</summary>
internal sealed class TunDevice : IDisposable
{
    private const int NewNetwork = 0x40000000, ReadWrite = 2, NonBlocking = 0x800;
    private const nuint AttachTun = 0x400454CA, SetFlags = 0x8914, SetAddress = 0x8916, SetMask = 0x891C;
    private const short TunWithoutHeader = 0x1001, UpAndRunning = 0x41, Readable = 1;
    private const int RequestBytes = 40, NameBytes = 16, InternetFamily = 2;
    private const string Name = "drill";

    private readonly int _file;

    private TunDevice(int file) => _file = file;

    /// <summary>Moves the calling thread into a network namespace that nobody else is in, and makes a device there.</summary>
    /// <exception cref="NotSupportedByDriverException">This user may not, or this machine has none.</exception>
    public static TunDevice OpenInNewNamespace(IPAddress address)
    {
        Check(Unshare(NewNetwork), "a network namespace of its own");
        var device = new TunDevice(Check(Open("/dev/net/tun", ReadWrite | NonBlocking), "/dev/net/tun"));
        try
        {
            Check(Control(device._file, AttachTun, Request(TunWithoutHeader)), "a network device of its own");
            using var any = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var socket = (int)any.Handle;
            Check(Control(socket, SetAddress, Request(InternetFamily, address)), "an address for it");
            Check(Control(socket, SetMask, Request(InternetFamily, IPAddress.Parse("255.255.255.0"))), "a mask for it");
            Check(Control(socket, SetFlags, Request(UpAndRunning)), "to bring it up");
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public bool WaitToRead(TimeSpan atMost)
    {
        var wanted = new Wanted { File = _file, Events = Readable };
        return Poll(ref wanted, 1, (int)atMost.TotalMilliseconds) > 0;
    }

    /// <summary>A packet; less than 1 when there is none.</summary>
    public int Read(byte[] buffer) => (int)Read(_file, buffer, (nuint)buffer.Length);

    public void Write(byte[] packet) => _ = Write(_file, packet, (nuint)packet.Length);

    public void Dispose() => _ = Close(_file);

    /// <summary>A request about the device: its name, and then a number, or an address behind its family and a port.</summary>
    private static byte[] Request(short number, IPAddress? address = null)
    {
        var request = new byte[RequestBytes];
        Encoding.ASCII.GetBytes(Name, request);
        BinaryPrimitives.WriteInt16LittleEndian(request.AsSpan(NameBytes), number);
        address?.GetAddressBytes().CopyTo(request, NameBytes + 4);
        return request;
    }

    private static int Check(int result, string what) => result >= 0 ? result
        : throw new NotSupportedByDriverException($"this machine does not give this user {what}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [StructLayout(LayoutKind.Sequential)]
    private struct Wanted
    {
        public int File;
        public short Events;
        public short Seen;
    }

#pragma warning disable SYSLIB1054 // Generated marshalling needs unsafe code, and these are a few calls.
    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Unshare(int flags);

    [DllImport("libc", EntryPoint = "open", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int file, nuint request, byte[] argument);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref Wanted wanted, nuint count, int milliseconds);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Read(int file, byte[] buffer, nuint count);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int file, byte[] buffer, nuint count);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int file);
#pragma warning restore SYSLIB1054
}
