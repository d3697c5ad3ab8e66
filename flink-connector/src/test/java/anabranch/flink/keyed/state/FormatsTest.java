package anabranch.flink.keyed.state;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

/** The bytes in which sequences are kept. */
class FormatsTest {
  private static final ClassLoader CODE = FormatsTest.class.getClassLoader();

  private static final List<SequenceHeader> HEADERS =
      List.of(
          SequenceHeader.fresh(""),
          new SequenceHeader("", "model \"x\" ü", 7, 33, 12, 41L, 1_700_000_000_000L, 99, false),
          new SequenceHeader("v2 ü", "s", 1, 1, 1, null, 5, 0, false),
          new SequenceHeader("", "", 0, 5, 2, -3L, 5, 6, true));
  private static final byte[] PAGE = {0, 1, -1, 127, -128};

  private static <T> byte[] written(TypeSerializer<T> serializer, T value) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    serializer.serialize(value, out);
    return out.getCopyOfBuffer();
  }

  @Test
  void headersComeBackAsTheyWere() throws IOException {
    SequenceHeaderSerializer serializer = SequenceHeaderSerializer.INSTANCE;
    for (SequenceHeader header : HEADERS) {
      byte[] bytes = written(serializer, header);
      assertEquals(header, serializer.deserialize(new DataInputDeserializer(bytes)));
      DataOutputSerializer copy = new DataOutputSerializer(16);
      serializer.copy(new DataInputDeserializer(bytes), copy);
      assertArrayEquals(bytes, copy.getCopyOfBuffer());
      assertEquals(header, serializer.copy(header));
    }
  }

  @Test
  void pagesComeBackAsTheyWereAndAreNotCopied() throws IOException {
    PageSerializer serializer = PageSerializer.INSTANCE;
    for (byte[] page : new byte[][] {PAGE, new byte[0], new byte[70_000]}) {
      byte[] bytes = written(serializer, page);
      assertArrayEquals(page, serializer.deserialize(new DataInputDeserializer(bytes)));
      DataOutputSerializer copy = new DataOutputSerializer(16);
      serializer.copy(new DataInputDeserializer(bytes), copy);
      assertArrayEquals(bytes, copy.getCopyOfBuffer());
      assertSame(page, serializer.copy(page));
      assertTrue(serializer.isImmutableType());
    }
  }

  /** These bytes were written by the version that brought their format, and never anew. */
  @Test
  void everyFormatIsReadForEver() throws IOException {
    assertStored("header-1", SequenceHeaderSerializer.INSTANCE, HEADERS.get(1));
    assertStored("broken-1", SequenceHeaderSerializer.INSTANCE, HEADERS.get(3));
    assertStored("header-2", SequenceHeaderSerializer.INSTANCE, HEADERS.get(2));
    assertArrayEquals(
        stored("header-2"), withSnapshot(SequenceHeaderSerializer.INSTANCE, HEADERS.get(2)));
    byte[] stored = stored("page-1");
    DataInputDeserializer in = new DataInputDeserializer(stored);
    TypeSerializerSnapshot<byte[]> snapshot =
        TypeSerializerSnapshot.readVersionedSnapshot(in, CODE);
    assertTrue(
        new PageSerializer.Snapshot().resolveSchemaCompatibility(snapshot).isCompatibleAsIs());
    assertArrayEquals(PAGE, snapshot.restoreSerializer().deserialize(in));
    assertArrayEquals(stored, withSnapshot(PageSerializer.INSTANCE, PAGE));
  }

  private static void assertStored(
      String name, TypeSerializer<SequenceHeader> serializer, SequenceHeader header)
      throws IOException {
    byte[] stored = stored(name);
    DataInputDeserializer in = new DataInputDeserializer(stored);
    TypeSerializerSnapshot<SequenceHeader> snapshot =
        TypeSerializerSnapshot.readVersionedSnapshot(in, CODE);
    assertTrue(
        serializer.snapshotConfiguration().resolveSchemaCompatibility(snapshot).isCompatibleAsIs());
    assertEquals(header, snapshot.restoreSerializer().deserialize(in));
    assertEquals(0, in.available());
  }

  private static <T> byte[] withSnapshot(TypeSerializer<T> serializer, T value) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
    serializer.serialize(value, out);
    return out.getCopyOfBuffer();
  }

  private static byte[] stored(String name) throws IOException {
    try (InputStream in = FormatsTest.class.getResourceAsStream(name + ".hex")) {
      return HexFormat.of().parseHex(new String(in.readAllBytes()).replaceAll("\\s", ""));
    }
  }

  @Test
  void aFormatOfALaterVersionIsRefusedInWords() {
    DataInputDeserializer nothing = new DataInputDeserializer(new byte[0]);
    IOException refused =
        assertThrows(
            IOException.class,
            () -> new SequenceHeaderSerializer.Snapshot().readSnapshot(3, nothing, CODE));
    assertEquals(
        "headers of sequences in this state are of format 3, this version of the connector reads"
            + " formats 1 to 2: use the version that wrote them, or a later one",
        refused.getMessage());
    assertThrows(
        IOException.class, () -> new PageSerializer.Snapshot().readSnapshot(2, nothing, CODE));
  }

  @Test
  @SuppressWarnings({"unchecked", "rawtypes"})
  void whatAnotherSerializerWroteDoesNotFit() {
    TypeSerializerSnapshot other = IntSerializer.INSTANCE.snapshotConfiguration();
    assertTrue(new PageSerializer.Snapshot().resolveSchemaCompatibility(other).isIncompatible());
    assertFalse(
        new PageSerializer.Snapshot()
            .resolveSchemaCompatibility(new PageSerializer.Snapshot())
            .isIncompatible());
  }

  /** Prints what the fixtures of a new format hold. */
  public static void main(String[] names) throws IOException {
    SequenceHeaderSerializer headers = SequenceHeaderSerializer.INSTANCE;
    System.out.println(HexFormat.of().formatHex(withSnapshot(headers, HEADERS.get(2))));
    System.out.println(HexFormat.of().formatHex(withSnapshot(PageSerializer.INSTANCE, PAGE)));
  }
}
