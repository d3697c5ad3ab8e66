package anabranch.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;

/** A program that answers a line with a line until there are no more. Stateless. */
final class Talk {
  private Talk() {}

  /** Answers one line. */
  interface Answer {
    /** Returns the answer to the words of a line. */
    String to(String[] words) throws IOException;
  }

  /** Makes an answer from what is to be opened first. */
  interface Open {
    Answer open() throws IOException;
  }

  /**
   * Opens, says so, answers all lines, and ends the process at once: what a library left running
   * does not keep it. What libraries print goes to the standard error.
   */
  static void run(Open open) {
    PrintStream out = System.out;
    System.setOut(System.err);
    int code = 1;
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      Answer answer = open.open();
      out.println("ready");
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        out.println(answer.to(line.split(" ")));
      }
      code = 0;
    } catch (IOException | RuntimeException failed) {
      failed.printStackTrace();
    }
    out.flush();
    Runtime.getRuntime().halt(code);
  }
}
