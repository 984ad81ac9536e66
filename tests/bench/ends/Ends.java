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
    void run() throws Exception;
  }

  static GSSContext initiator, acceptor;

  static void pair(GSSManager manager, GSSName service, Oid kerberos) throws GSSException {
    initiator = manager.createContext(service, kerberos, null, GSSContext.DEFAULT_LIFETIME);
    initiator.requestReplayDet(false);
    initiator.requestSequenceDet(false);
    acceptor = manager.createContext((GSSCredential) null);
    byte[] token = new byte[0];
    while (!initiator.isEstablished() || !acceptor.isEstablished()) {
      if (!initiator.isEstablished()) token = initiator.initSecContext(token, 0, token.length);
      if (!acceptor.isEstablished()) token = acceptor.acceptSecContext(token, 0, token.length);
    }
  }

  static void repeat(Work work, int atOnce, double seconds) throws Exception {
    var threads = ManagementFactory.getThreadMXBean();
    long start = System.nanoTime(), used = threads.getCurrentThreadCpuTime(), elapsed = 0, count = 0;
    for (; elapsed < seconds * 1e9; elapsed = System.nanoTime() - start)
      for (int i = 0; i < atOnce; i++, count++) work.run();
    System.out.println(count + " " + elapsed / 1e9 + " " + (threads.getCurrentThreadCpuTime() - used) / 1e9);
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
        repeat(() -> pair(manager, service, kerberos), 1, seconds);
        continue;
      }
      boolean sealed = words[1].equals("1");
      byte[] message = new byte[Integer.parseInt(words[2])];
      byte[] token = initiator.wrap(message, 0, message.length, new MessageProp(0, sealed));
      if (words[0].equals("wrap")) repeat(() -> initiator.wrap(message, 0, message.length, new MessageProp(0, sealed)), 16, seconds);
      else repeat(() -> acceptor.unwrap(token, 0, token.length, new MessageProp(0, false)), 16, seconds);
    }
  }
}
