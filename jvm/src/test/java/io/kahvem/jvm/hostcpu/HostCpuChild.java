package io.kahvem.jvm.hostcpu;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/// The process behind [ChildHostCpu]: tells its region's address, then answers a code and a [State] by a State until its standard input
/// ends.
public final class HostCpuChild {
    private HostCpuChild() {}

    public static void main(String[] args) throws IOException {
        NativeCode host = new NativeCode(true, Long.parseLong(args[0]));
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
        out.writeLong(host.base());
        out.flush();
        State state = new State();
        State result = new State();
        byte[] buffer = new byte[State.BYTES];
        for (int length = read(in); length >= 0; length = read(in)) {
            byte[] code = in.readNBytes(length);
            in.readFully(buffer);
            state.read(buffer);
            host.run(state, code, result);
            result.write(buffer);
            out.write(buffer);
            out.flush();
        }
    }

    private static int read(DataInputStream in) throws IOException {
        try {
            return in.readInt();
        } catch (java.io.EOFException end) {
            return -1;
        }
    }
}
