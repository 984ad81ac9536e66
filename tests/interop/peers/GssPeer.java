import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.HexFormat;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.ChannelBinding;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

/**
 * A GSS-API token peer on Java's own Kerberos, driven by lines on stdin; one line of answer each on stdout. Commands and
 * answers are those of gss_peer.c, with these in front:
 *
 *   password USER PASSWORD         Krb5LoginModule with a password    ->  "ok PRINCIPAL"  or  "fail - 0 TEXT"
 *   cache FILE                     the same with a credential cache
 *   keytab FILE                    the keys of an acceptor, for every principal in the file
 *   mechanism krb5|spnego          for the contexts that follow
 *   init SERVICE@HOST FLAGS        as in gss_peer.c; by the login before, or with what was delegated where FLAGS has 1024
 *   bind HEX|-                     application data of the channel bindings, or none
 *
 * MAJOR is a GSSException's code, 0 where a context is established, and 1 where it goes on.
 */
public final class GssPeer {
  private static final HexFormat HEX = HexFormat.of();
  private static final GSSManager MANAGER = GSSManager.getInstance();
  private static final int BY_DELEGATION = 1024;

  private static Subject initiator;
  private static Subject acceptor;
  private static Oid mechanism;
  private static byte[] bindings;
  private static GSSContext context;
  private static GSSCredential delegated;

  private interface Action<T> {
    T run() throws Exception;
  }

  private static byte[] bytes(String text) {
    return text == null || text.equals("-") ? new byte[0] : HEX.parseHex(text);
  }

  private static String text(byte[] bytes) {
    return bytes == null || bytes.length == 0 ? "-" : HEX.formatHex(bytes);
  }

  @SuppressWarnings("removal")
  private static <T> T as(Subject subject, Action<T> action) throws Exception {
    try {
      return Subject.doAs(subject, (PrivilegedExceptionAction<T>) action::run);
    } catch (java.security.PrivilegedActionException wrapped) {
      throw wrapped.getException();
    }
  }

  private static Subject login(String user, String password, Map<String, String> options) throws Exception {
    Configuration configuration = new Configuration() {
      @Override
      public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
        return new AppConfigurationEntry[] {new AppConfigurationEntry("com.sun.security.auth.module.Krb5LoginModule",
            AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options)};
      }
    };
    LoginContext login = new LoginContext("peer", new Subject(), callbacks -> {
      for (Callback callback : callbacks) {
        if (callback instanceof NameCallback name) name.setName(user);
        if (callback instanceof PasswordCallback secret) secret.setPassword(password.toCharArray());
      }
    }, configuration);
    login.login();
    return login.getSubject();
  }

  private static String answerOf(Subject subject) {
    return "ok " + (subject.getPrincipals().isEmpty() ? "-" : subject.getPrincipals().iterator().next().getName());
  }

  private static String init(String service, int flags) throws Exception {
    boolean passedOn = (flags & BY_DELEGATION) != 0;
    GSSCredential credential = passedOn ? delegated : null;
    context = as(passedOn ? new Subject() : initiator, () -> MANAGER.createContext(
        MANAGER.createName(service, GSSName.NT_HOSTBASED_SERVICE), mechanism, credential, GSSContext.DEFAULT_LIFETIME));
    context.requestCredDeleg((flags & 1) != 0);
    context.requestMutualAuth((flags & 2) != 0);
    context.requestReplayDet((flags & 4) != 0);
    context.requestSequenceDet((flags & 8) != 0);
    context.requestConf((flags & 16) != 0);
    context.requestInteg((flags & 32) != 0);
    if (bindings != null) context.setChannelBinding(new ChannelBinding(bindings));
    return "ok";
  }

  private static String accept() throws Exception {
    GSSCredential credential = as(acceptor, () ->
        MANAGER.createCredential(null, GSSCredential.INDEFINITE_LIFETIME, mechanism, GSSCredential.ACCEPT_ONLY));
    context = as(acceptor, () -> MANAGER.createContext(credential));
    if (bindings != null) context.setChannelBinding(new ChannelBinding(bindings));
    return "ok";
  }

  private static String step(byte[] token) throws Exception {
    boolean initiates = context.isInitiator();
    byte[] out = as(initiates ? initiator : acceptor, () -> initiates
        ? context.initSecContext(token, 0, token.length)
        : context.acceptSecContext(token, 0, token.length));
    delegated = !initiates && context.getCredDelegState() ? context.getDelegCred() : null;
    int flags = (context.getCredDelegState() ? 1 : 0) | (context.getMutualAuthState() ? 2 : 0)
        | (context.getReplayDetState() ? 4 : 0) | (context.getSequenceDetState() ? 8 : 0)
        | (context.getConfState() ? 16 : 0) | (context.getIntegState() ? 32 : 0);
    return "token " + text(out) + " " + (context.isEstablished() ? 0 : 1) + " " + flags;
  }

  private static int status(MessageProp properties) {
    return (properties.isDuplicateToken() ? 2 : 0) | (properties.isOldToken() ? 4 : 0)
        | (properties.isUnseqToken() ? 8 : 0) | (properties.isGapToken() ? 16 : 0);
  }

  private static String answer(String[] words) throws Exception {
    String a = words.length > 1 ? words[1] : null, b = words.length > 2 ? words[2] : null;
    switch (words[0]) {
      case "password":
        initiator = login(a, b, Map.of("useTicketCache", "false", "refreshKrb5Config", "true"));
        return answerOf(initiator);
      case "cache":
        initiator = login("", "", Map.of("useTicketCache", "true", "ticketCache", a, "doNotPrompt", "true"));
        return answerOf(initiator);
      case "keytab":
        acceptor = login("", "", Map.of("useKeyTab", "true", "keyTab", a, "storeKey", "true", "isInitiator", "false",
            "principal", "*", "doNotPrompt", "true"));
        return answerOf(acceptor);
      case "mechanism":
        mechanism = new Oid(a.equals("spnego") ? "1.3.6.1.5.5.2" : "1.2.840.113554.1.2.2");
        return "ok";
      case "bind":
        bindings = a.equals("-") ? null : bytes(a);
        return "ok";
      case "init":
        return init(a, Integer.parseInt(b));
      case "accept":
        return accept();
      case "step":
        return step(bytes(a));
      case "wrap": {
        byte[] message = bytes(b);
        MessageProp properties = new MessageProp(0, a.equals("1"));
        byte[] token = context.wrap(message, 0, message.length, properties);
        return "token " + text(token) + " " + (properties.getPrivacy() ? 1 : 0);
      }
      case "unwrap": {
        byte[] token = bytes(a);
        MessageProp properties = new MessageProp(0, false);
        byte[] message = context.unwrap(token, 0, token.length, properties);
        return "data " + text(message) + " " + (properties.getPrivacy() ? 1 : 0) + " " + status(properties);
      }
      case "mic": {
        byte[] message = bytes(a);
        return "token " + text(context.getMIC(message, 0, message.length, new MessageProp(0, false)));
      }
      case "verify": {
        byte[] message = bytes(a), mic = bytes(b);
        MessageProp properties = new MessageProp(0, false);
        context.verifyMIC(mic, 0, mic.length, message, 0, message.length, properties);
        return "status " + status(properties);
      }
      case "limit":
        return "limit " + context.getWrapSizeLimit(0, a.equals("1"), Integer.parseInt(b));
      case "names":
        return "names " + context.getSrcName() + " " + context.getTargName();
      case "delegated":
        return "delegated " + (delegated == null ? 0 : 1);
      default:
        return "fail - 0 unknown command";
    }
  }

  public static void main(String[] arguments) throws Exception {
    mechanism = new Oid("1.2.840.113554.1.2.2");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer;
      try {
        answer = answer(line.trim().split(" "));
      } catch (Exception error) {
        int major = error instanceof GSSException failure ? failure.getMajor() : 0;
        answer = "fail - " + major + " " + String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
      }
      System.out.println(answer);
    }
  }
}
