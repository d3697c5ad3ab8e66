package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are not what they say. */
class SafetensorsLiesTest {
  private static final String TRUE = Handmade.header("\"F16\"", "[2,3]", "[0,12]");

  @TempDir Path folder;

  @Test
  void truthIsRead() {
    try (Safetensors read = Safetensors.open(Handmade.in(folder, file(TRUE, 12)))) {
      assertEquals(Set.of("t"), read.names());
      assertArrayEquals(new float[6], Numbers.of(read.tensor("t")));
    }
  }

  @Test
  void headerLengthIsBoundedByTheFileAndByTheFormat() throws IOException {
    int json = TRUE.length();
    long[] lies = {json + 13, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, -1};
    for (long lie : lies) {
      byte[] file = file(TRUE, 12);
      ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, lie);
      refused(file, "header length " + Long.toUnsignedString(lie) + " is not in 0.." + (json + 12));
    }
    Path sparse = folder.resolve("sparse");
    try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
      file.setLength(300_000_000);
      file.writeLong(Long.reverseBytes(100_000_001));
    }
    WeightsException refusal = assertThrows(WeightsException.class, () -> Safetensors.open(sparse));
    assertTrue(
        refusal.getMessage().endsWith("header length 100000001 is not in 0..100000000"),
        refusal.getMessage());
  }

  @Test
  void headerIsOneObject() {
    refused("", 0, "does not start with '{'");
    refused("{", 0, "not valid JSON");
    refused(TRUE + "x", 12, "not valid JSON");
    refused("[]", 0, "does not start with '{'");
    refused(" " + TRUE, 12, "does not start with '{'");
    refused(TRUE + "{}", 12, "goes on behind its closing '}'");
    refused(TRUE.substring(0, TRUE.length() - 1), 12, "not valid JSON");
    refused(TRUE.replace("\"t\"", "t"), 12, "not valid JSON");
    refused("{\"t\":1}", 0, "tensor \"t\" is not an object");
  }

  @Test
  void namesMayBeEscaped() {
    String spelt = "\"\\u0041\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"";
    String header = TRUE.replace("\"t\"", spelt) + " \n\t\r";
    try (Safetensors read = Safetensors.open(Handmade.in(folder, file(header, 12)))) {
      assertEquals(Set.of("A\"\\/\b\f\n\r\t\u00e9"), read.names());
    }
    for (String wrong : new String[] {"\\x", "\\u12g4", "\\u12", "\\", "\n", "\u0001"}) {
      refused(TRUE.replace("\"t\"", "\"" + wrong + "\""), 12, "not valid JSON");
    }
  }

  @Test
  void whatIsAlmostJsonIsRefused() {
    refused(TRUE.replace("[2,3]", "[2,3,]"), 12, "not valid JSON");
    refused(TRUE.replace("[2,3]", "[,2,3]"), 12, "not valid JSON");
    refused(TRUE.replace("[2,3]", "[2 3]"), 12, "not valid JSON");
    refused(TRUE.replace("[2,3]", "[02,3]"), 12, "not valid JSON", "leading 0");
    refused(TRUE.replace("[2,3]", "[+2,3]"), 12, "not valid JSON");
    refused(TRUE.replace("[2,3]", "[2.,3]"), 12, "not valid JSON", "no digit");
    refused(TRUE.replace("[2,3]", "[2e,3]"), 12, "not valid JSON", "no digit");
    refused(TRUE.replace("[2,3]", "[2e0,3]"), 12, "shape[0] 2e0 is not a whole number");
    refused(TRUE.replace("[2,3]", "[nul,3]"), 12, "not valid JSON", "no value");
    refused(TRUE.replace("\"shape\":", "\"shape\" "), 12, "not valid JSON", "no ':'");
    refused("{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}", 0, "\"a\"", "Duplicate");
  }

  @Test
  void headerIsNoDeeperThanTheFormat() {
    refused("{\"t\":{\"shape\":[" + "[".repeat(100_000), 0, "not valid JSON", "depth", "3");
    refused("{\"__metadata__\":{\"a\":{\"b\":[1]}}}", 0, "__metadata__ \"a\" is not a string");
  }

  @Test
  void headerIsUtf8() {
    for (int malformed : new int[] {0xff, 0xc0, 0x80, 0xed}) {
      byte[] file = file(TRUE, 12);
      file[10] = (byte) malformed;
      refused(file, "not UTF-8 text");
    }
    byte[] utf16 = TRUE.getBytes(StandardCharsets.UTF_16LE);
    refused(file(new String(utf16, StandardCharsets.ISO_8859_1), 12), "not valid JSON");
  }

  @Test
  void namesAreBounded() {
    String header = "{\"" + "n".repeat(4097) + "\":{}}";
    refused(header, 0, "4097", "4096");
  }

  @Test
  void fieldsAreKnownAndComplete() {
    refused("{\"t\":{}}", 0, "tensor \"t\" has no dtype");
    refused("{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor \"t\" has no shape");
    refused("{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor \"t\" has no data_offsets");
    refused(
        TRUE.replace("\"shape\"", "\"order\":\"C\",\"shape\""),
        12,
        "tensor \"t\" has the unknown field \"order\"");
  }

  @Test
  void namesAndFieldsAreGivenOnce() {
    String tensor = "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    refused("{" + tensor + "," + tensor.replace("0,4", "4,8") + "}", 8, "\"t\"", "Duplicate");
    refused(TRUE.replace("\"shape\"", "\"shape\":[2,3],\"shape\""), 12, "\"shape\"", "Duplicate");
  }

  @Test
  void metadataIsMadeOfStrings() {
    refused("{\"__metadata__\":[]}", 0, "__metadata__ is not an object");
    refused("{\"__metadata__\":{\"version\":1}}", 0, "__metadata__ \"version\" is not a string");
  }

  @Test
  void typesOfOtherNumbersAreRefusedByName() {
    for (String type : new String[] {"\"I16\"", "\"C64\"", "\"F8_E4M3\"", "\"f32\"", "7", "null"}) {
      refused(
          Handmade.header(type, "[1]", "[0,4]"),
          4,
          "tensor \"t\" dtype "
              + type.replace("\"", "")
              + " is not one of [F32, F16, BF16, F64, I64, I32, U8, BOOL]");
    }
    refused(Handmade.header("{}", "[1]", "[0,4]"), 4, "tensor \"t\" dtype");
  }

  @Test
  void extentsAreAtLeastOne() {
    String bound = " is not a whole number in 1..2147483647";
    for (String extent : new String[] {"0", "-1", "2147483648", "99999999999999999999", "1.0"}) {
      refused(
          Handmade.header("\"F16\"", "[2," + extent + "]", "[0,4]"),
          4,
          "tensor \"t\" shape[1] " + extent + bound);
    }
    refused(Handmade.header("\"F16\"", "[\"2\"]", "[0,4]"), 4, "shape[0] 2" + bound);
    refused(Handmade.header("\"F16\"", "[null]", "[0,4]"), 4, "shape[0] null" + bound);
    refused(Handmade.header("\"F16\"", "2", "[0,4]"), 4, "tensor \"t\" shape is not an array");
    refused(Handmade.header("\"F16\"", "[" + "1,".repeat(32) + "1]", "[0,2]"), 2, "more than 32");
    refused(Handmade.header("\"F16\"", "[" + "9".repeat(50_000) + "]", "[0,4]"), 4, "20");
  }

  @Test
  void tensorsAreNoLargerThanABuffer() {
    String most = "needs more than 2147483647 bytes";
    for (String shape :
        new String[] {
          "[2147483647]", "[65536,65536,65536,65536]", "[2147483647,2147483647,2147483647]"
        }) {
      refused(Handmade.header("\"F32\"", shape, "[0,12]"), 12, "tensor \"t\" F32", most);
    }
    refused(Handmade.header("\"F16\"", "[1073741824]", "[0,2147483648]"), 0, most);
    refused(Handmade.header("\"F16\"", "[1073741823]", "[0,2147483646]"), 0, "end beyond the 0");
  }

  @Test
  void offsetsLieInTheDataAndAreAsLongAsTheTensor() {
    refused(header("[0,12,13]"), 12, "tensor \"t\" data_offsets has more than 2 numbers");
    refused(header("[0]"), 12, "tensor \"t\" data_offsets [0] are not 2 numbers");
    refused(header("[-12,0]"), 12, "tensor \"t\" data_offsets[0] -12 is not a whole number in 0..");
    refused(header("[0,9223372036854775808]"), 12, "data_offsets[1] 9223372036854775808 is not");
    refused(header("[12,0]"), 12, "tensor \"t\" data_offsets [12, 0] begin behind their end");
    refused(
        header("[0,10]"), 12, "tensor \"t\" data_offsets [0, 10] are 10 bytes", "[2, 3] needs 12");
    refused(header("[0,12]"), 11, "data_offsets [0, 12] end beyond the 11 bytes of data");
    refused(
        header("[9223372036854775795,9223372036854775807]"), 12, "end beyond the 12 bytes of data");
  }

  @Test
  void dataHasNeitherGapsNorOverlaps() {
    refused(header("[1,13]"), 13, "data_offsets [1, 13] leave a gap behind 0");
    refused(header("[0,12]"), 13, "13 bytes of data, but the tensors end at 12");
    refused("{}", 1, "1 bytes of data, but the tensors end at 0");
    refused(two("[0,4]", "[4,8]"), 9, "9 bytes of data, but the tensors end at 8");
    refused(two("[0,4]", "[5,9]"), 9, "tensor \"b\" data_offsets [5, 9] leave a gap behind 4");
    refused(two("[2,6]", "[0,4]"), 6, "tensor \"a\" data_offsets [2, 6] begin in another", "at 4");
    refused(two("[0,4]", "[0,4]"), 4, "data_offsets [0, 4] begin in another");
  }

  @Test
  void fileCutAtAnyByteIsRefused() {
    byte[] file = file(TRUE, 12);
    for (int length = 0; length < file.length; length++) {
      refused(Arrays.copyOf(file, length));
    }
  }

  private static String header(String offsets) {
    return Handmade.header("\"F16\"", "[2,3]", offsets);
  }

  private static String two(String offsetsOfA, String offsetsOfB) {
    String rest = ":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":";
    return "{\"a\"" + rest + offsetsOfA + "},\"b\"" + rest + offsetsOfB + "}}";
  }

  private static byte[] file(String header, int data) {
    return Handmade.file(header, new byte[data]);
  }

  private void refused(String header, int data, String... words) {
    refused(file(header, data), words);
  }

  private void refused(byte[] bytes, String... words) {
    Path file = Handmade.in(folder, bytes);
    WeightsException refusal =
        assertThrows(WeightsException.class, () -> Safetensors.open(file).close());
    assertTrue(refusal.getMessage().startsWith(file + ": "), refusal.getMessage());
    for (String word : words) {
      assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
    }
    assertTrue(refusal.getMessage().length() < 1000, refusal.getMessage());
  }
}
