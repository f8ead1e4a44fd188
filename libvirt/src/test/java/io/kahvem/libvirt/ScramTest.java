package io.kahvem.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ScramTest {
    private static final SecureRandom RANDOM = new SecureRandom();

    private static Scram.Server server(String user, String password) {
        Scram.Stored stored = Scram.Stored.parse(Scram.Stored.of(password.toCharArray(), RANDOM).print());
        return new Scram.Server(name -> name.equals(user) ? Optional.of(stored) : Optional.empty(), RANDOM);
    }

    @Test
    void whoKnowsThePasswordIsLetInAndLearnsThatTheServerKnowsItToo() {
        Scram.Server server = server("a,b=c", "pencil");
        Scram.Client client = new Scram.Client("a,b=c", "pencil".toCharArray(), RANDOM);
        byte[] proof = client.last(server.challenge(client.first()));
        client.verify(server.finish(proof));
        assertThat(server.user()).isEqualTo("a,b=c");
    }

    @Test
    void aWrongPasswordAndAnUnknownNameAreRefusedInTheSameWords() {
        for (String[] who : new String[][] {{"user", "pen"}, {"other", "pencil"}}) {
            Scram.Server server = server("user", "pencil");
            Scram.Client client = new Scram.Client(who[0], who[1].toCharArray(), RANDOM);
            byte[] proof = client.last(server.challenge(client.first()));
            assertThatThrownBy(() -> server.finish(proof)).isInstanceOf(DeniedException.class)
                    .hasMessage("authentication failed: wrong name or password");
        }
    }

    @Test
    void aServerThatDoesNotKnowThePasswordIsFoundOut() {
        Scram.Client client = new Scram.Client("user", "pencil".toCharArray(), RANDOM);
        byte[] ignored = client.last(server("user", "other").challenge(client.first()));
        assertThatThrownBy(() -> client.verify("v=AAAA".getBytes(StandardCharsets.UTF_8))).isInstanceOf(DeniedException.class);
        assertThatThrownBy(() -> new Scram.Client("u", "p".toCharArray(), RANDOM).last("r=x,s=eA==,i=1".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(DeniedException.class);
    }

    /// RFC 7677, section 3, has the salt and the iterations.
    @Test
    void whatIsStoredIsReadBack() {
        String line = "W22ZaJ0SNY7soEsUEjb6gQ==:4096:WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                + ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assertThat(Scram.Stored.parse(line).print()).isEqualTo(line);
    }
}
