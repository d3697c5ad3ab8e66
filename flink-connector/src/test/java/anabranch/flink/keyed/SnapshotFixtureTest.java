package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.flink.keyed.state.PageSerializer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OperatorSnapshotUtil;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Snapshots of a whole operator as each format was first written: with open sequences, one that
 * broke, numbers and timers. Later versions go on from them.
 */
@Timeout(60)
class SnapshotFixtureTest {
  private static final SequenceOptions OPTIONS =
      SequenceOptions.defaults()
          .withTtl(Duration.ofSeconds(10))
          .withBroken(Continuation.ASIDE)
          .withCacheBytes(1 << 26);

  private static final List<Word> BEFORE =
      List.of(
          Word.of("a", 0, 1, 2), Word.of("b", 7, 3), Word.of("a", 1, 4), Word.of("c", 0, 1, 1000));
  private static final List<Word> BEHIND =
      List.of(Word.of("a", 1, 4), Word.of("a", 2, 5, 6), Word.of("c", 1, 1), Word.of("b", 8, 9));

  private final Talk talk = new Talk();

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theSnapshotOfEachFormatIsReadForEver(int format, @TempDir Path folder) throws Exception {
    List<Word> whole = new ArrayList<>(BEFORE.subList(0, 3));
    whole.add(BEHIND.get(1));
    whole.add(BEHIND.get(3));
    try (Stall stall = Stall.restored(talk, OPTIONS, read(stored(format), folder))) {
      stall.setProcessingTime(1000);
      stall.sayAll(BEHIND);
      stall.endInput();
      assertEquals(talk.expected(whole).subList(3, 5), stall.results());
      assertEquals(List.of("c1: sequence \"c\" broke before"), stall.asides());
      assertEquals(1, stall.counts().duplicates.getCount());
      stall.setProcessingTime(12_000);
      assertEquals(0, stall.numKeyedStateEntries(), "timers are there, too");
    }
  }

  @Test
  void whatThisVersionWritesIsReadAsTheFixtureIs(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("now");
    write(talk, file);
    OperatorSubtaskState now = OperatorSnapshotUtil.readStateHandle(file.toString());
    try (Stall stall = Stall.restored(talk, OPTIONS, now)) {
      assertEquals(entries(read(stored(2), folder)), stall.numKeyedStateEntries());
    }
  }

  private int entries(OperatorSubtaskState state) throws Exception {
    try (Stall stall = Stall.restored(talk, OPTIONS, state)) {
      return stall.numKeyedStateEntries();
    }
  }

  @Test
  void aSnapshotOfALaterFormatIsRefusedInWords(@TempDir Path folder) throws Exception {
    byte[] later = stored(2);
    byte[] name = PageSerializer.Snapshot.class.getName().getBytes(StandardCharsets.UTF_8);
    int places = 0;
    for (int at = 0; at + name.length + 4 <= later.length; at++) {
      if (matches(later, at, name)) {
        assertEquals(1, later[at + name.length + 3], "the format of this version");
        later[at + name.length + 3] = 9;
        places++;
      }
    }
    assertTrue(places > 0, "the name of the serializer's snapshot is in the state");
    OperatorSubtaskState state = read(later, folder);
    Exception refused =
        assertThrows(Exception.class, () -> Stall.restored(talk, OPTIONS, state).close());
    assertTrue(
        ExceptionUtils.findThrowableWithMessage(
                refused,
                "pages of model state in this state are of format 9, this version of the connector"
                    + " reads formats 1 to 1: use the version that wrote them, or a later one")
            .isPresent(),
        () -> ExceptionUtils.stringifyException(refused));
  }

  private static boolean matches(byte[] all, int at, byte[] some) {
    for (int n = 0; n < some.length; n++) {
      if (all[at + n] != some[n]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] stored(int format) throws IOException {
    String name = "snapshot-" + format + ".hex";
    try (InputStream in = SnapshotFixtureTest.class.getResourceAsStream(name)) {
      return HexFormat.of().parseHex(new String(in.readAllBytes()).replaceAll("\\s", ""));
    }
  }

  private static OperatorSubtaskState read(byte[] bytes, Path folder) throws Exception {
    Path file = folder.resolve("snapshot");
    Files.write(file, bytes);
    return OperatorSnapshotUtil.readStateHandle(file.toString());
  }

  private static void write(Talk talk, Path file) throws Exception {
    try (Stall stall = Stall.opened(talk, OPTIONS)) {
      stall.setProcessingTime(1000);
      stall.sayAll(BEFORE);
      OperatorSnapshotUtil.writeStateHandle(stall.checkpoint(), file.toString());
    }
  }

  /** Writes the fixture of a new format into a file. */
  public static void main(String[] file) throws Exception {
    Path bytes = Path.of(file[0] + ".bytes");
    write(new Talk(), bytes);
    String hex = HexFormat.of().formatHex(Files.readAllBytes(bytes));
    Files.writeString(Path.of(file[0]), hex.replaceAll("(.{128})", "$1\n") + "\n");
    Files.delete(bytes);
  }
}
