package anabranch.conformance.trial;

import anabranch.model.facts.Cut;
import anabranch.model.facts.Step;
import anabranch.model.facts.Visit;
import java.util.HashMap;
import java.util.Map;

/**
 * The names of what routers chose: a path where its block runs once on the way through a plan, and
 * the path, {@code #} and the number of the run where it runs several times.
 */
final class RunNames {
  private final Map<String, Integer> runs = new HashMap<>();
  private final Map<String, Integer> numbers = new HashMap<>();

  RunNames(Cut cut) {
    for (Step step : cut.steps()) {
      int visit = 0;
      for (Visit each : step.stage().visits()) {
        for (Visit.Member member : each.blocks()) {
          int number = runs.merge(member.path(), 1, Integer::sum) - 1;
          numbers.put(key(member.path(), step.index(), visit), number);
        }
        visit++;
      }
    }
  }

  String of(String path, int step, int visit) {
    for (Map.Entry<String, Integer> block : runs.entrySet()) {
      if (path.startsWith(block.getKey() + ".")) {
        Integer number = numbers.get(key(block.getKey(), step, visit));
        if (number == null) {
          throw new AssertionError(path + " does not run in visit " + visit + " of step " + step);
        }
        return block.getValue() == 1 ? path : path + "#" + number;
      }
    }
    throw new AssertionError(path + " is in no block of this model");
  }

  private static String key(String block, int step, int visit) {
    return block + " " + step + " " + visit;
  }
}
