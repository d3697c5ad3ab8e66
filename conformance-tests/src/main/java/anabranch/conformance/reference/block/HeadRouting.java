package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import anabranch.model.layer.Attention.RoutedProjections;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** The routers of the heads of one side of an attention, each with its weights. */
final class HeadRouting {
  private final RoutedProjections described;
  private final String path;
  private final List<RouterPart> routers = new ArrayList<>();

  /** Reads the routers of the heads under {@code path}. */
  HeadRouting(RoutedProjections described, String path, int heads, Parameters parameters) {
    this.described = described;
    this.path = path;
    for (int h = 0; h < heads; h++) {
      String own = path + "." + h + ".router";
      routers.add(RouterPart.read(described.router(), described.experts(), own, parameters));
    }
  }

  /** Rule A29: rows that show a value made of their vector ask for it, also those that left. */
  List<Taken> showing(Pass pass, double[][] v, Way[] ways) {
    Way[] showing = ways.clone();
    for (int i = 0; i < showing.length; i++) {
      showing[i] = showing[i] == Way.PROJECT ? Way.RUN : showing[i];
    }
    return ask(pass, v, showing);
  }

  /** Rule A29: each head asks a router of its own for the rows that run. */
  List<Taken> ask(Pass pass, double[][] v, Way[] ways) {
    List<Taken> heads = new ArrayList<>();
    for (int h = 0; h < routers.size(); h++) {
      Taken taken = new Taken(path + "." + h, described.k(), v.length, described.experts());
      pass.taken.add(taken);
      taken.ask(routers.get(h), pass, v, ways);
      for (Choice choice : taken.choices) {
        if (choice != null) {
          choice.experts().forEach(e -> taken.ran[e]++);
        }
      }
      heads.add(taken);
    }
    return heads;
  }

  /** Returns what a row took for each head, with the gates. */
  static List<SortedMap<Integer, Double>> taken(List<Taken> heads, int row) {
    List<SortedMap<Integer, Double>> all = new ArrayList<>();
    for (Taken head : heads) {
      SortedMap<Integer, Double> own = new TreeMap<>();
      Choice choice = head.choices[row];
      if (choice != null) {
        choice.experts().forEach(e -> own.put(e, choice.gate(e)));
      }
      all.add(own);
    }
    return all;
  }
}
