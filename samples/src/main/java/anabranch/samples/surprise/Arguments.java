package anabranch.samples.surprise;

import anabranch.samples.text.TextSplit;
import java.util.ArrayList;
import java.util.List;

/**
 * What the program was asked for. Immutable.
 *
 * @param normal files and folders whose lines count as normal; may be empty
 * @param places files, folders, or {@code "-"} for standard input; empty stands for the bundled
 *     text
 */
record Arguments(List<String> normal, List<String> places) {
  static final String USAGE =
      "[--normal FILE_OR_FOLDER]... [--report FILE] [--curve SECONDS] [--color | --no-color]"
          + " [FILE_OR_FOLDER]...";

  Arguments {
    normal = List.copyOf(normal);
    places = List.copyOf(places);
  }

  /**
   * Returns the arguments of a command line.
   *
   * @throws IllegalArgumentException if an option is unknown or lacks its value
   */
  static Arguments of(String... args) {
    List<String> normal = new ArrayList<>();
    List<String> places = new ArrayList<>();
    for (int i = 0; i < args.length; i++) {
      if (args[i].equals("--normal")) {
        if (i + 1 == args.length) {
          throw new IllegalArgumentException("--normal needs a file or folder behind it");
        }
        normal.add(args[++i]);
      } else if (args[i].startsWith("-") && !args[i].equals(TextSplit.STANDARD_INPUT)) {
        throw new IllegalArgumentException(
            "option \"" + args[i] + "\" is unknown; the arguments are " + USAGE);
      } else {
        places.add(args[i]);
      }
    }
    for (String place : normal) {
      if (place.startsWith("-")) {
        throw new IllegalArgumentException(
            "--normal \"" + place + "\" is not a file or folder; give ./" + place + " if it is");
      }
    }
    return new Arguments(normal, places);
  }
}
