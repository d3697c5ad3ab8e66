package anabranch.json;

import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Turns descriptions and policies into JSON text and back: the same value gives the same text on
 * every machine, and reading what was written gives an equal value.
 *
 * <p>Text is at most {@link #MOST_CHARACTERS} long and 32 levels deep. What cannot be read is
 * refused with the path of the field, such as {@code model.plan.blocks[0].sublayers}, its value and
 * the bound. Stateless; any thread.
 */
public final class Descriptions {
  /** The version that is written, and the only one that is read. */
  public static final int VERSION = 1;

  /** The most characters of a text, and bytes of a file. */
  public static final int MOST_CHARACTERS = 4 << 20;

  private static final String MODEL = "model";
  private static final String POLICY = "policy";

  private Descriptions() {}

  /** Returns a description as text, with a line break at its end. */
  public static String text(ModelSpec spec) {
    return Document.write(MODEL, spec);
  }

  /** Returns a policy as text, with a line break at its end. */
  public static String text(Policy policy) {
    return Document.write(POLICY, policy);
  }

  /**
   * Returns the description that a text holds.
   *
   * @throws DescriptionException if it is not exactly one valid description
   */
  public static ModelSpec model(String text) {
    return Document.read(MODEL, ModelSpec.class, text);
  }

  /**
   * Returns the policy that a text holds.
   *
   * @throws DescriptionException if it is not exactly one valid policy
   */
  public static Policy policy(String text) {
    return Document.read(POLICY, Policy.class, text);
  }

  /**
   * Returns the description that a UTF-8 file holds.
   *
   * @throws DescriptionException if it cannot be read or is not exactly one valid description,
   *     naming the file
   */
  public static ModelSpec model(Path file) {
    String text = textOf(file);
    try {
      return model(text);
    } catch (DescriptionException refused) {
      throw new DescriptionException(file + ": " + refused.getMessage(), refused);
    }
  }

  /**
   * Returns the policy that a UTF-8 file holds.
   *
   * @throws DescriptionException if it cannot be read or is not exactly one valid policy, naming
   *     the file
   */
  public static Policy policy(Path file) {
    String text = textOf(file);
    try {
      return policy(text);
    } catch (DescriptionException refused) {
      throw new DescriptionException(file + ": " + refused.getMessage(), refused);
    }
  }

  private static String textOf(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MOST_CHARACTERS + 1);
      if (bytes.length > MOST_CHARACTERS) {
        throw new DescriptionException(file + ": has more than " + MOST_CHARACTERS + " bytes");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException malformed) {
      throw new DescriptionException(file + ": is not UTF-8 text", malformed);
    } catch (IOException failed) {
      throw new DescriptionException(file + ": cannot be read: " + failed, failed);
    }
  }
}
