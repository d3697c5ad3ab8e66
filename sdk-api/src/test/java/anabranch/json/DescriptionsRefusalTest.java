package anabranch.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import anabranch.model.ModelSpec;
import anabranch.model.SampleSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DescriptionsRefusalTest {
  private static final String TEXT = Descriptions.text(SampleSpecs.everything());
  private static final List<MatchResult> VALUES =
      Pattern.compile("\"\\w+\"|-?[\\d.E-]+|true|false").matcher(TEXT).results().toList();
  private static final String ATTENTION = "model.plan.blocks[0].sublayers[0].operation";

  @Test
  void unknownFieldsAreRefused() {
    refused(
        "\"width\": 8", "\"width\": 8, \"depth\": 3", "model.depth is not a field here", "width");
    refused("\"base\"", "\"bass\": 1, \"base\"", ATTENTION + ".rotary.bass is not a field here");
    refused("\"version\": 1,", "\"version\": 1, \"x\": {},", "x is not a field here; the fields");
    refused(
        "\"type\": \"rms\"",
        "\"type\": \"rms\", \"bias\": true",
        "after.bias is not a field here",
        "[type, epsilon]");
  }

  @Test
  void missingFieldsAreRefused() {
    refused("\"width\": 8,", "", "model.width is missing");
    refused(
        "\"bias\": false", "\"norm\": {\"type\": \"rms\", \"epsilon\": 1}", "head.bias is missing");
    refused("\"type\": \"attention\",", "", ATTENTION + ".type is missing");
    refused("\"version\": 1,", "", "version is missing");
    assertRefused("{\"version\": 1}", "model is missing");
    assertRefused("{\"version\": 1, \"policy\": {}}", "model is missing");
  }

  @Test
  void nullIsNeverRead() {
    refused("\"width\": 8", "\"width\": null", "model.width null is not a whole number of 32 bits");
    refused(
        "\"bias\": false",
        "\"bias\": false, \"norm\": null",
        "model.head.norm null is not an object");
  }

  @Test
  void wrongTypesAreRefused() {
    refused(
        "\"heads\": 4",
        "\"heads\": \"4\"",
        ATTENTION + ".heads \"4\" is not a whole number of 32 bits");
    refused(
        "\"heads\": 4",
        "\"heads\": 4.0",
        ATTENTION + ".heads 4.0 is not a whole number of 32 bits");
    refused(
        "\"heads\": 4",
        "\"heads\": 4294967300",
        ".heads 4294967300 is not a whole number of 32 bits");
    refused(
        "\"heads\": 4",
        "\"heads\": [4]",
        ATTENTION + ".heads [4] is not a whole number of 32 bits");
    refused("10000.0", "\"10000\"", ATTENTION + ".rotary.base \"10000\" is not a number");
    refused(
        "-9223372036854775808", "-9223372036854775809", "seed", "is not a whole number of 64 bits");
    refused("\"bias\": false", "\"bias\": 0", "model.head.bias 0 is not true or false");
    refused("\"name\": \"everything\"", "\"name\": 7", "model.name 7 is not a string");
    refused("[ 2, 3 ]", "{}", "model.embedding.ngrams.orders {} is not an array");
    refused(
        "[ 2, 3 ]",
        "[ 2, \"3\" ]",
        "model.embedding.ngrams.orders[1] \"3\" is not a whole number of 32 bits");
    refused("\"parts\": [", "\"parts\": [ [],", "model.plan.parts[0] [] is not an object");
    refused("\"blocks\": [", "\"blocks\": [ 1,", "model.plan.blocks[0] 1 is not an object");
    refused("\"alternatives\": { }", "\"alternatives\": []", "model.plan.alternatives [] is not");
    assertRefused("[1]", "text [1] is not an object");
    assertRefused("7", "text 7 is not an object");
  }

  @Test
  void unknownWordsAreRefusedWithThoseThatExist() {
    refused("\"causal\"", "\"CAUSAL\"", ".mask \"CAUSAL\" is not one of [causal, full, memory]");
    refused(
        "\"type\": \"attention\"",
        "\"type\": \"Attention\"",
        ATTENTION
            + ".type \"Attention\" is not one of [attention, feedForward,"
            + " mixture, modulated, sliced, recurrence, linearMemory, skip, chain, merged]");
    refused("\"causal\"", "0", ATTENTION + ".mask 0 is not one of [causal, full, memory]");
  }

  @Test
  void otherVersionsAreRefusedFirst() {
    refused("\"version\": 1", "\"later\": [], \"version\": 2", "version 2 is not 1");
    refused(
        "\"version\": 1", "\"version\": \"1\"", "version \"1\" is not a whole number of 32 bits");
  }

  @Test
  void boundsOfTheModelSpeakForThemselves() {
    refused("\"heads\": 4", "\"heads\": 0", ATTENTION + ": attention.heads 0 is below 1");
    refused("\"k\": 3", "\"k\": 9", "operation: router.k 9 is not in 1..8");
    refused("\"epsilon\": 1.0E-12", "\"epsilon\": 1e999", "norm.epsilon Infinity is not a finite");
    refused("\"epsilon\": 1.0E-12", "\"epsilon\": 0", "norm.epsilon 0.0 is not a finite");
    refused("\"outputs\": 5,", "\"outputs\": 6,", "model: exit \"early\" outputs 6 differ from");
  }

  @Test
  void keysAreGivenOnce() {
    refused("\"width\": 8", "\"width\": 8, \"width\": 8", "model.width", "Duplicate", "line 5");
    String twice = "\"pool\": \"first\", \"pool\": \"first\"";
    refused("\"pool\": \"first\"", twice, "model.head.pool", "Duplicate");
  }

  @Test
  void textHoldsOneValueAndNothingBehindIt() {
    assertRefused(TEXT + "{}", "not valid JSON", "railing");
    assertRefused(TEXT + "x", "not valid JSON");
    assertRefused(TEXT + TEXT, "not valid JSON", "railing");
    assertRefused("", "text is empty");
    assertRefused("\ufeff" + TEXT, "not valid JSON");
    assertRefused(TEXT.replace("\"width\"", "// no\n\"width\""), "not valid JSON");
    assertRefused(TEXT.replace("\"width\"", "'width'"), "not valid JSON");
    assertRefused(TEXT.replace("10000.0", "NaN"), "not valid JSON");
  }

  @Test
  void textIsNeitherTooDeepNorTooLong() {
    assertRefused("[".repeat(1_000_000), "not valid JSON", "depth (33)", "(32");
    String spaces = " ".repeat(Descriptions.MOST_CHARACTERS + 1 - TEXT.length());
    assertRefused(TEXT + spaces, "text length 4194305 is above 4194304");
    assertEquals(SampleSpecs.everything(), Descriptions.model(TEXT + spaces.substring(1)));
    assertRefused(TEXT.replace("10000.0", "1" + "0".repeat(200)), "not valid JSON", "100");
    refused("\"everything\"", "\"" + "n".repeat(1001) + "\"", "not valid JSON", "1000");
    refused("\"everything\"", "\"" + "n".repeat(1000) + "\"", "model.name", "1 to 64");
  }

  @Test
  void shownValuesAreShort() {
    DescriptionException refusal =
        assertThrows(
            DescriptionException.class,
            () -> Descriptions.model("{\"version\": [" + "1,".repeat(1_000_000) + "1]}"));
    assertTrue(refusal.getMessage().length() < 200);
    assertTrue(refusal.getMessage().startsWith("version [1,1,"), refusal.getMessage());
  }

  @Test
  void damagedTextIsRefusedOrValid() {
    String[] words = {
      "0",
      "-1",
      "1e999",
      "2147483648",
      "null",
      "true",
      "\"a\"",
      "[",
      "]",
      "{",
      "}",
      ",",
      ":",
      "\"",
      "{}",
      "[]",
      "\"rms\"",
      "\"mixture\"",
      "\"type\"",
      "\\u0000",
      "\ud800",
      "7"
    };
    SplittableRandom random = new SplittableRandom(2026);
    int valid = 0;
    int rounds = 4_000;
    for (int round = 0; round < rounds; round++) {
      String text = damaged(random, words);
      try {
        ModelSpec spec = Descriptions.model(text);
        assertEquals(spec, Descriptions.model(Descriptions.text(spec)));
        valid++;
      } catch (DescriptionException refusal) {
        assertNotEquals("", refusal.getMessage());
      }
    }
    assertTrue(valid > rounds / 100 && valid < rounds / 2, valid + " valid");
  }

  /** The text with one of its values replaced, or a few of its characters. */
  private static String damaged(SplittableRandom random, String[] words) {
    String word = words[random.nextInt(words.length)];
    if (random.nextBoolean()) {
      MatchResult value = VALUES.get(random.nextInt(VALUES.size()));
      return TEXT.substring(0, value.start()) + word + TEXT.substring(value.end());
    }
    int at = random.nextInt(TEXT.length() - 2);
    return TEXT.substring(0, at) + word + TEXT.substring(at + random.nextInt(3));
  }

  @Test
  void filesAreReadWithTheSameCare(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.json");
    Files.writeString(file, TEXT);
    assertEquals(SampleSpecs.everything(), Descriptions.model(file));
    Files.writeString(file, "{}");
    assertFileRefused(file, file + ": version is missing");
    Files.write(file, new byte[] {'"', (byte) 0xff, '"'});
    assertFileRefused(file, file + ": is not UTF-8 text");
    Files.write(file, new byte[Descriptions.MOST_CHARACTERS + 1]);
    assertFileRefused(file, file + ": has more than 4194304 bytes");
    assertFileRefused(folder.resolve("absent"), folder.resolve("absent") + ": cannot be read");
    assertFileRefused(folder, folder + ": cannot be read");
  }

  private static void assertFileRefused(Path file, String start) {
    for (int i = 0; i < 2; i++) {
      boolean model = i == 0;
      DescriptionException refusal =
          assertThrows(
              DescriptionException.class,
              () -> {
                if (model) {
                  Descriptions.model(file);
                } else {
                  Descriptions.policy(file);
                }
              });
      assertTrue(refusal.getMessage().startsWith(start), refusal.getMessage());
    }
  }

  /** Replaces the first {@code old} of the text and expects a refusal with these words. */
  private static void refused(String old, String replacement, String... words) {
    int at = TEXT.indexOf(old);
    assertTrue(at >= 0, old);
    assertRefused(TEXT.substring(0, at) + replacement + TEXT.substring(at + old.length()), words);
  }

  private static void assertRefused(String text, String... words) {
    DescriptionException refusal =
        assertThrows(DescriptionException.class, () -> Descriptions.model(text));
    for (String word : words) {
      assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
    }
  }
}
