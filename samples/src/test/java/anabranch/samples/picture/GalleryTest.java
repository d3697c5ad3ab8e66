package anabranch.samples.picture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GalleryTest {
  @Test
  void flaggedLinesAreKeptByTheirBitsAndCounted() {
    Gallery gallery = new Gallery(3);
    for (int i = 0; i < 1_000; i++) {
      gallery.add(line(i, i * 7 % 1_000), i % 2 == 0);
    }
    List<ByteLine> odd = gallery.odd();
    assertEquals(500, gallery.flaggedSeen());
    assertEquals(Gallery.MOST_FLAGGED, odd.size());
    assertEquals(
        IntStream.range(0, 200).mapToObj(i -> 998.0 - 2 * i).toList(),
        odd.stream().map(ByteLine::bitsPerByte).toList());
  }

  @Test
  void withoutAFlagTheOddestHundredthStandsInForThem() {
    Gallery gallery = new Gallery(3);
    for (int i = 0; i < 2_000; i++) {
      gallery.add(line(i, i), false);
    }
    assertEquals(20, gallery.odd().size());
    assertEquals(1_999, gallery.odd().get(0).bitsPerByte());
  }

  @Test
  void ordinaryLinesAreNeitherFlaggedNorAmongTheOddest() {
    Gallery gallery = new Gallery(3);
    for (int i = 0; i < 40; i++) {
      gallery.add(line(i, i), false);
    }
    assertEquals(Gallery.MOST_ORDINARY, gallery.ordinary().size());
    gallery.ordinary().forEach(line -> assertFalse(gallery.odd().contains(line)));
    gallery.add(line(41, 0), true);
    assertEquals(1, gallery.odd().size());
    gallery.ordinary().forEach(line -> assertTrue(line.number() <= 40));
  }

  @Test
  void aReservoirIsFair() {
    int[] drawn = new int[4];
    for (int round = 0; round < 400; round++) {
      Reservoir<Integer> sample = new Reservoir<>(10, round);
      for (int i = 0; i < 100; i++) {
        sample.add(i / 25);
      }
      sample.sample().forEach(quarter -> drawn[quarter]++);
    }
    for (int quarter : drawn) {
      assertEquals(1_000, quarter, 120);
    }
    assertThrows(IllegalArgumentException.class, () -> new Reservoir<>(0));
  }

  @Test
  void aLineWithoutBitsForEachByteIsRefused() {
    Exception refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new ByteLine("a", 1, new byte[3], new float[2], new byte[3]));
    assertEquals("line of 3 bytes has bits for 2 and exits for 3", refused.getMessage());
  }

  private static ByteLine line(long number, float bits) {
    float[] each = new float[24];
    java.util.Arrays.fill(each, bits);
    return new ByteLine("a", number, new byte[24], each, new byte[24]);
  }
}
