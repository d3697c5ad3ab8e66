package anabranch.onnx.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.onnx.crew.Crew;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.routing.Assignment;
import anabranch.routing.RoutedRows;
import anabranch.routing.Routing;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Three rows, three members: the second row has none, and members weigh by their logits. */
class SumsTest {
  private static final int ROWS = 3;
  private static final float[] LOGITS = {2, 3, -1, -1, -1, -1, -1, 5, 0.5f};
  private static final Sums.Rest REST =
      new Sums.Rest(new float[] {100}, FloatBuffer.wrap(new float[] {10, 20, 30}));

  /** By slot: of member 0 for row 0, of member 1 for rows 0 and 2, of member 2 for row 2. */
  private static final FloatBuffer RESULTS = FloatBuffer.wrap(new float[] {7, 11, 13, 17});

  private final FloatBuffer from = FloatBuffer.wrap(new float[] {1, 2, 3});
  private final FloatBuffer into = FloatBuffer.wrap(new float[] {Float.NaN, Float.NaN, Float.NaN});

  @Test
  void whatWasThereIsOverwrittenAndEveryRowGetsTheRestOnce() {
    Sums sums = new Sums(into, from, ROWS, 1, REST);
    sums.add(dispatch(), 0, 4, RESULTS, true);
    sums.end();
    assertArrayEquals(new float[] {158, 122, 206.5f}, into.array());
  }

  @Test
  void membersMayComePieceByPiece() {
    Sums sums = new Sums(into, from, ROWS, 1, REST);
    Dispatch dispatch = dispatch();
    for (int slot = 0; slot < 4; slot++) {
      sums.add(dispatch, slot, 1, RESULTS.slice(slot, 1), true);
    }
    sums.end();
    assertArrayEquals(new float[] {158, 122, 206.5f}, into.array());
  }

  @Test
  void rowByRowIsTheSame() {
    Sums sums = new Sums(into, from, ROWS, 1, REST);
    sums.add(dispatch(), RESULTS, true, Crew.alone());
    sums.end();
    assertArrayEquals(new float[] {158, 122, 206.5f}, into.array());
  }

  @Test
  void severalDispatchesAddToOneRow() {
    Sums sums = Sums.ofSeveral(into, from, ROWS, 1, REST);
    sums.add(dispatch(), 0, 4, RESULTS, true);
    sums.add(dispatch(), 0, 4, RESULTS, false);
    sums.end();
    assertArrayEquals(new float[] {176, 122, 236.5f}, into.array());
  }

  @Test
  void rowsThatStartWithNothingAreZeroWithoutMembers() {
    Sums sums = Sums.ofSeveral(into, null, ROWS, 1, Sums.Rest.NONE);
    sums.add(dispatch(), 0, 4, RESULTS, true);
    sums.end();
    assertArrayEquals(new float[] {47, 0, 73.5f}, into.array());
  }

  @Test
  void sumsMayTakeThePlaceOfWhatTheyStartWith() {
    Sums sums = new Sums(from, from, ROWS, 1, REST);
    sums.add(dispatch(), 0, 4, RESULTS, true);
    sums.end();
    assertArrayEquals(new float[] {158, 122, 206.5f}, from.array());
  }

  @Test
  void rowsWithoutMembersStayWhatTheyStartWith() {
    for (FloatBuffer where : List.of(into, from)) {
      from.put(0, new float[] {1, 2, 3});
      Sums sums = new Sums(where, from, ROWS, 1, Sums.Rest.NONE);
      sums.add(dispatch(), 0, 4, RESULTS, true);
      sums.end();
      assertArrayEquals(new float[] {48, 2, 76.5f}, where.array());
    }
  }

  private static Dispatch dispatch() {
    Event[] events = new Event[ROWS];
    Arrays.fill(events, Event.ofTokens(0, 0, 0));
    int[] positions = {0, 1, 2};
    Rows rows = new Rows(events, new Activations[ROWS], new int[ROWS], positions, new byte[ROWS]);
    StageBatch batch = new StageBatch(0, List.of(new Span(null, rows)), false);
    Router router =
        Router.linear(Score.IDENTITY, new Selection.Threshold(0, true)).with(Gate.score());
    Assignment assignment = new Assignment();
    Routing.of("mixture", 0, router, 3, null, null)
        .decide(new OneSpan(), FloatBuffer.wrap(LOGITS), assignment);
    return new Dispatch(Packing.of(batch, Role.PROJECTED), assignment, 3);
  }

  private static final class OneSpan implements RoutedRows {
    @Override
    public int size() {
      return ROWS;
    }

    @Override
    public boolean live(int row) {
      return true;
    }

    @Override
    public int span(int row) {
      return 0;
    }

    @Override
    public int spans() {
      return 1;
    }

    @Override
    public int position(int row) {
      return row;
    }

    @Override
    public int firstPosition(int of) {
      return 0;
    }

    @Override
    public int token(int row) {
      return 0;
    }

    @Override
    public long key(int row) {
      return 0;
    }

    @Override
    public @Nullable Float kept(int of) {
      return null;
    }
  }
}
