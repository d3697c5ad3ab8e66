package anabranch.routing;

import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Takes the decisions of one routing; holds its scratch. Confined to one thread. */
final class Decision {
  private final Routing routing;
  private final Router router;
  private final Scores scores;
  private final Picks picks;
  private final @Nullable Claims claims;
  private final Room room;
  private final float[] given;

  Decision(Routing routing) {
    this.routing = routing;
    router = routing.router();
    int members = routing.members();
    scores = new Scores(router, router.logitsFor(members), routing.correction());
    given = new float[scores.logit.length];
    picks = new Picks(router, router.selection().most(members), scores);
    claims =
        router.selection() instanceof Selection.ExpertChoice choice
            ? new Claims(router, choice.rows(), members)
            : null;
    room = new Room(router, members);
  }

  Routing routing() {
    return routing;
  }

  void take(RoutedRows rows, @Nullable FloatBuffer logits, Assignment into) {
    if (claims != null) {
      claim(claims, rows, logits, into);
    } else {
      pick(rows, logits, into);
      room.limit(routing.path(), rows, into);
    }
  }

  private void claim(Claims each, RoutedRows rows, @Nullable FloatBuffer logits, Assignment into) {
    int run = 0;
    for (int from = 0; from < rows.size(); ) {
      int end = Room.end(rows, from);
      each.begin(end - from);
      for (int row = from; row < end; row++) {
        if (rows.live(row)) {
          read(rows, row, logits, run++);
          scores.take();
          each.add(row, scores);
        }
      }
      each.settle(into);
      from = end;
    }
  }

  private void pick(RoutedRows rows, @Nullable FloatBuffer logits, Assignment into) {
    int run = 0;
    int span = -1;
    for (int row = 0; row < rows.size(); row++) {
      if (!rows.live(row)) {
        continue;
      }
      if (!router.source().ofSequence() || rows.span(row) != span) {
        span = rows.span(row);
        Float kept = router.source() == Source.PROMPT_MEAN ? rows.kept(span) : null;
        if (kept == null) {
          read(rows, row, logits, run++);
          if (!picks.lead(given)) {
            scores.take();
            picks.take();
          }
        } else {
          picks.keep(kept);
        }
      }
      write(rows, row, into);
    }
  }

  private void write(RoutedRows rows, int row, Assignment into) {
    int choice = 0;
    for (int rank = 0; rank < picks.count(); rank++) {
      if (rank == 0 || stays(rows, row, rank)) {
        into.set(row, choice++, picks.expert[rank], picks.gate[rank]);
      }
    }
  }

  private boolean stays(RoutedRows rows, int row, int rank) {
    if (!(router.selection() instanceof Selection.TopK top) || top.secondary() == null) {
      return true;
    }
    Selection.Secondary secondary = top.secondary();
    Long seed = secondary.seed();
    if (seed == null) {
      return picks.gate[rank] > secondary.threshold();
    }
    long hash = TokenHash.fold(seed, routing.block());
    hash = TokenHash.fold(hash, rows.key(row));
    hash = TokenHash.fold(hash, rows.position(row));
    hash = TokenHash.fold(hash, rank);
    return TokenHash.unit(hash) < picks.gate[rank] / secondary.threshold();
  }

  /** Reads the logits of a row, which are the given run of the buffer. */
  private void read(RoutedRows rows, int row, @Nullable FloatBuffer logits, int run) {
    double[] into = scores.logit;
    if (logits == null) {
      Arrays.fill(into, 0);
      into[named(rows, row)] = 1;
    } else {
      logits.get(run * into.length, given);
      for (int e = 0; e < into.length; e++) {
        float z = given[e];
        if (!Float.isFinite(z)) {
          throw routing.badLogit(z, row, e);
        }
        into[e] = z;
      }
    }
  }

  /** Returns the choice that a token or a key names. */
  private int named(RoutedRows rows, int row) {
    int members = routing.members();
    if (router.logits() instanceof Logits.TokenHash hash) {
      return TokenHash.expert(hash.seed(), rows.token(row), members);
    } else if (router.logits() instanceof Logits.Random random) {
      long hash = TokenHash.fold(random.seed(), routing.block());
      hash = TokenHash.fold(hash, rows.key(row));
      if (router.source() == Source.KEY_AND_POSITION) {
        hash = TokenHash.fold(hash, rows.position(row));
      }
      return TokenHash.below(hash, members);
    }
    return routing.named(rows.token(row));
  }

  /** Fails unless every gate is finite in fp32. */
  void requireFinite(Assignment into) {
    for (int row = 0; row < into.rows(); row++) {
      for (int choice = 0; choice < into.k(); choice++) {
        float gate = into.gate(row, choice);
        if (!Float.isFinite(gate)) {
          throw routing.badGate(gate, row, into.expert(row, choice));
        }
      }
    }
  }
}
