package anabranch.samples.flows;

import java.io.Serializable;

/**
 * One connection of a host.
 *
 * @param host who opened it
 * @param time seconds since the beginning
 * @param protocol 1 TCP, 2 UDP
 * @param port of the destination
 * @param destination from 0 on within the network, below 0 outside
 * @param duration milliseconds
 * @param bytesOut sent
 * @param bytesIn received
 * @param packetsOut sent
 * @param packetsIn received
 * @param state 1 no answer, 2 ended as it should, 3 refused, 4 and 5 reset by either side
 * @param kind what it is part of, which only the simulator knows
 */
public record Flow(
    int host,
    double time,
    int protocol,
    int port,
    int destination,
    double duration,
    double bytesOut,
    double bytesIn,
    int packetsOut,
    int packetsIn,
    int state,
    int kind)
    implements Serializable {}
