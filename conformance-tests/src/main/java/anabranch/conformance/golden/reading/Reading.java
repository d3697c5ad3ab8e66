package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.RecordedModel;

/** One thing that recordings say of cases. Stateless. */
interface Reading {
  /**
   * Runs what a recording says of a case and compares; does nothing where it says nothing.
   *
   * @param number the place of the case among all cases
   */
  void compare(RecordedModel model, String name, int number, Finding finding);
}
