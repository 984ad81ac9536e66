/*
 * java java_wrap.java KRB5_CONF CCACHE KEYTAB: an initiator and an acceptor of Java's GSS-API in one process; prints for
 * sealed and signed messages of each size what it wraps and unwraps in a second, one line each:
 *
 *   SEALED SIZE WRAPS UNWRAPS
 */
import java.nio.file.*;
import org.ietf.jgss.*;

class JavaWrap {
  public static void main(String[] args) throws Exception {
    Path login = Files.createTempFile("login", ".conf");
    String module = " { com.sun.security.auth.module.Krb5LoginModule required doNotPrompt=true ";
    Files.writeString(login,
        "com.sun.security.jgss.krb5.initiate" + module + "useTicketCache=true ticketCache=\"" + args[1] + "\"; };\n"
      + "com.sun.security.jgss.krb5.accept" + module + "useKeyTab=true keyTab=\"" + args[2]
      + "\" storeKey=true isInitiator=false principal=\"rcmd/localhost\"; };\n");
    System.setProperty("java.security.krb5.conf", args[0]);
    System.setProperty("javax.security.auth.useSubjectCredsOnly", "false");
    System.setProperty("java.security.auth.login.config", login.toString());
    System.setProperty("sun.security.krb5.rcache", "none");
    GSSManager manager = GSSManager.getInstance();
    Oid kerberos = new Oid("1.2.840.113554.1.2.2");
    GSSName service = manager.createName("rcmd@localhost", GSSName.NT_HOSTBASED_SERVICE);
    GSSContext ours = manager.createContext(service, kerberos, null, GSSContext.DEFAULT_LIFETIME);
    GSSContext theirs = manager.createContext((GSSCredential) null);
    byte[] token = new byte[0];
    while (!ours.isEstablished() || !theirs.isEstablished()) {
      if (!ours.isEstablished()) token = ours.initSecContext(token, 0, token.length);
      if (!theirs.isEstablished()) token = theirs.acceptSecContext(token, 0, token.length);
    }
    Files.delete(login);
    for (boolean sealed : new boolean[] {true, false})
      for (int size : new int[] {64, 1024, 16384, 65472}) {
        double[] best = {0, 0};
        for (int round = 0; round < 4; round++) { // the first ones warm up
          int count = Math.max(64, 8_000_000 / (size + 400));
          byte[][] tokens = new byte[count][];
          byte[] message = new byte[size];
          long start = System.nanoTime();
          for (int i = 0; i < count; i++) tokens[i] = ours.wrap(message, 0, size, new MessageProp(0, sealed));
          long middle = System.nanoTime();
          for (byte[] t : tokens) theirs.unwrap(t, 0, t.length, new MessageProp(0, false));
          long end = System.nanoTime();
          best[0] = Math.max(best[0], count * 1e9 / (middle - start));
          best[1] = Math.max(best[1], count * 1e9 / (end - middle));
        }
        System.out.println((sealed ? 1 : 0) + " " + size + " " + best[0] + " " + best[1]);
      }
  }
}
