/*
 * java Ends.java KRB5_CONF CCACHE KEYTAB: both ends of contexts of Java's GSS-API in one process, with the commands and
 * answers of ends.c. The processor time is that of the thread.
 */
import java.io.*;
import java.lang.management.ManagementFactory;
import java.nio.file.*;
import org.ietf.jgss.*;

class Ends {
  interface Work {
    void run(int i) throws Exception;
  }

  /* As in ends.c. */
  static final int MOST_TOKENS = 256, LEAST_TOKENS = 16, BYTES_OF_A_ROUND = 1 << 21;

  static GSSContext initiator, acceptor;

  static void pair(GSSManager manager, GSSName service, Oid kerberos) throws GSSException {
    initiator = manager.createContext(service, kerberos, null, GSSContext.DEFAULT_LIFETIME);
    acceptor = manager.createContext((GSSCredential) null);
    byte[] token = new byte[0];
    while (!initiator.isEstablished() || !acceptor.isEstablished()) {
      if (!initiator.isEstablished()) token = initiator.initSecContext(token, 0, token.length);
      if (!acceptor.isEstablished()) token = acceptor.acceptSecContext(token, 0, token.length);
    }
  }

  static void repeat(Work prepare, Work work, int round, double seconds) throws Exception {
    var threads = ManagementFactory.getThreadMXBean();
    long elapsed = 0, used = 0, count = 0;
    for (; elapsed < seconds * 1e9; count += round) {
      for (int i = 0; prepare != null && i < round; i++) prepare.run(i);
      long start = System.nanoTime(), before = threads.getCurrentThreadCpuTime();
      for (int i = 0; i < round; i++) work.run(i);
      elapsed += System.nanoTime() - start;
      used += threads.getCurrentThreadCpuTime() - before;
    }
    System.out.println(count + " " + elapsed / 1e9 + " " + used / 1e9);
  }

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
    pair(manager, service, kerberos);
    Files.delete(login);
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = commands.readLine()) != null;) {
      String[] words = line.split(" ");
      double seconds = Double.parseDouble(words[words.length - 1]);
      if (words[0].equals("pairs")) {
        repeat(null, i -> pair(manager, service, kerberos), 16, seconds);
        continue;
      }
      boolean sealed = words[1].equals("1");
      byte[] message = new byte[Integer.parseInt(words[2])];
      int round = Math.max(LEAST_TOKENS, Math.min(MOST_TOKENS, BYTES_OF_A_ROUND / message.length));
      byte[][] tokens = new byte[round][];
      Work wrap = i -> tokens[i] = initiator.wrap(message, 0, message.length, new MessageProp(0, sealed));
      Work unwrap = i -> acceptor.unwrap(tokens[i], 0, tokens[i].length, new MessageProp(0, false));
      if (words[0].equals("wrap")) repeat(null, wrap, round, seconds);
      else repeat(wrap, unwrap, round, seconds);
    }
  }
}
