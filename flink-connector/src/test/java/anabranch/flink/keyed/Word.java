package anabranch.flink.keyed;

import java.io.Serializable;

/**
 * A record of these tests: the next tokens of what somebody says.
 *
 * @param number counts the words of a speaker
 * @param last whether the speaker is done
 */
public record Word(String speaker, long number, int[] tokens, boolean last)
    implements Serializable {
  static Word of(String speaker, long number, int... tokens) {
    return new Word(speaker, number, tokens, false);
  }

  static Word last(String speaker, long number, int... tokens) {
    return new Word(speaker, number, tokens, true);
  }

  String name() {
    return speaker + number;
  }
}
