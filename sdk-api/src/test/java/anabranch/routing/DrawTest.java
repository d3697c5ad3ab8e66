package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.error.WeightsException;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DrawTest {
  private static final float[] NONE = null;

  /** R10: the hash, word for word. */
  @Test
  void hashesMatchTheirPublishedVectors() {
    assertEquals(0x5692161d100b05e5L, TokenHash.mix(1));
    assertEquals(0xe220a8397b1dcdafL, TokenHash.mix(0x9E3779B97F4A7C15L));
    assertEquals(0xa706dd2f4d197e6fL, hash(0, 0));
    assertEquals(0x0d3961f6e2135428L, hash(42, 1, 2, 3));
    assertEquals(0xcf14468421ffe4e2L, hash(42, 3, 2, 1));
    assertEquals(0, TokenHash.below(hash(42, 1, 2, 3), 8));
    assertEquals(4, TokenHash.below(hash(42, 1, 2, 4), 8));
  }

  /** R10: keys of text are their FNV-1a hash. */
  @Test
  void textsAreKeysByTheirHash() {
    assertEquals(0xcbf29ce484222325L, key(""));
    assertEquals(0xaf63dc4c8601ec8cL, key("a"));
    assertEquals(0xfddbeef2b6ce4891L, key("req-1"));
  }

  /** R10: of a million keys, about one in a hundred falls below 0.01, and always the same ones. */
  @Test
  void coinsFallAsPublished() {
    int fell = 0;
    for (int i = 0; i < 1_000_000; i++) {
      fell += TokenHash.unit(hash(7, key("req-" + i))) < .01 ? 1 : 0;
    }
    assertEquals(10_035, fell);
  }

  /** R1: a token's expert is its hash below their number. */
  @Test
  void tokensDecideByTheirHashAlone() {
    int[] tokens = new int[200];
    Arrays.setAll(tokens, t -> t % 100);
    Assignment got = Call.of(200).tokens(tokens).decide(Routers.hash(3), 5, NONE);
    int[] counts = new int[5];
    for (int t = 0; t < tokens.length; t++) {
      assertEquals(TokenHash.below(hash(3, t % 100), 5), got.expert(t, 0));
      assertEquals(1f, got.gate(t, 0));
      counts[got.expert(t, 0)]++;
    }
    assertTrue(Arrays.stream(counts).min().orElse(0) > 0, Arrays.toString(counts));
  }

  /** R1: rows that do not take part are not asked for their token. */
  @Test
  void onlyLiveTokensAreHashed() {
    Assignment got = Call.of(3).without(1).tokens(6, -1, 7).decide(Routers.hash(9), 50, NONE);
    int[] expected = {TokenHash.expert(9, 6, 50), -1, TokenHash.expert(9, 7, 50)};
    assertArrayEquals(expected, got.experts());
  }

  /** R1: a table among the weights names the expert of each token. */
  @Test
  void tokensDecideByTheirTable() {
    float[] table = {2, 0, 1, 2};
    Routing routing = Routing.of("m", 0, Routers.hashTable(4), 3, null, table);
    Assignment got = Call.of(4).tokens(3, 2, 1, 0).decide(routing, NONE);
    assertArrayEquals(new int[] {2, 1, 0, 2}, got.experts());
    assertArrayEquals(new float[] {1, 1, 1, 1}, got.gates());
    assertTrue(!routing.readsLogits());
  }

  /** E2: a table that does not fit names the id and the value. */
  @Test
  void tablesMustNameExperts() {
    assertTable("m.router.table has 0 numbers instead of 3", null);
    assertTable("m.router.table has 2 numbers instead of 3", new float[2]);
    assertTable(
        "m.router.table[1] 2.0 is not a whole number in 0..1 (rule E2)", new float[] {0, 2, 0});
    assertTable(
        "m.router.table[2] -1.0 is not a whole number in 0..1 (rule E2)", new float[] {0, 0, -1});
    assertTable(
        "m.router.table[0] 0.5 is not a whole number in 0..1 (rule E2)", new float[] {.5f, 0, 0});
    assertTable(
        "m.router.table[0] NaN is not a whole number in 0..1 (rule E2)",
        new float[] {Float.NaN, 0, 0});
    WeightsException surplus =
        assertThrows(
            WeightsException.class,
            () -> Routing.of("m", 0, Routers.hash(1), 2, null, new float[3]));
    assertEquals("m.router.table has 3 numbers instead of 0", surplus.getMessage());
  }

  /** R1, R10: a random expert comes from the seed, the block, the key and the position. */
  @Test
  void randomExpertsComeFromKeyAndPosition() {
    Router router = Routers.thor(11);
    Routing third = Routing.of("m", 3, router, 7, null, null);
    Assignment got = Call.of(40, 40).keys(5, -9).at(1, 100).decide(third, NONE);
    for (int row = 0; row < 80; row++) {
      long drawn = row < 40 ? hash(11, 3, 5, row) : hash(11, 3, -9, 60 + row);
      assertEquals(TokenHash.below(drawn, 7), got.expert(row, 0));
    }
    Routing fourth = Routing.of("m", 4, router, 7, null, null);
    Assignment other = Call.of(40, 40).keys(5, -9).at(1, 100).decide(fourth, NONE);
    assertTrue(!Arrays.equals(got.experts(), other.experts()));
  }

  /** R0, R10: one random expert holds for a whole item, at every later event too. */
  @Test
  void oneRandomExpertHoldsForAnItem() {
    Routing routing = Routing.of("m", 2, Routers.thorOfSequence(11), 7, null, null);
    Set<Integer> seen = new HashSet<>();
    for (long key = 0; key < 50; key++) {
      Assignment got = Call.of(3, 2).keys(key, key).at(1, 3).without(0).decide(routing, NONE);
      int expert = TokenHash.below(hash(11, 2, key), 7);
      assertArrayEquals(new int[] {-1, expert, expert, expert, expert}, got.experts());
      seen.add(expert);
    }
    assertEquals(7, seen.size());
  }

  private static void assertTable(String message, float[] table) {
    WeightsException refused =
        assertThrows(
            WeightsException.class, () -> Routing.of("m", 0, Routers.hashTable(3), 2, null, table));
    assertEquals(message, refused.getMessage());
  }

  private static long hash(long seed, long... words) {
    long hash = seed;
    for (long word : words) {
      hash = TokenHash.fold(hash, word);
    }
    return hash;
  }

  private static long key(String text) {
    return Event.ofTokens(0).keyed(text).key();
  }
}
