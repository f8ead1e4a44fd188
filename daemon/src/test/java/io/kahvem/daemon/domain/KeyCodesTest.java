package io.kahvem.daemon.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.libvirt.LibvirtException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class KeyCodesTest {
    @ParameterizedTest
    @CsvSource({"0,30,0x1e,KEY_A", "0,103,0xc8,KEY_UP", "0,97,0x9d,KEY_RIGHTCTRL", "2,0xe01d,0x9d,right Ctrl", "1,0x1c,0x1c,Enter",
        "9,0x9d,0x9d,right Ctrl"})
    void aKeyHasOneNumberWhateverItIsKnownBy(int set, String code, String number, String key) {
        assertThat(KeyCodes.number(set, Integer.decode(code))).as(key).isEqualTo(Integer.decode(number));
    }

    @Test
    void whatIsNoKeyIsRefusedAsLibvirtRefusesIt() {
        assertThatThrownBy(() -> KeyCodes.number(0, 500)).isInstanceOf(LibvirtException.class)
                .hasMessage("internal error: cannot translate keycode 500 of linux codeset to qnum codeset");
        assertThatThrownBy(() -> KeyCodes.number(7, 4)).isInstanceOf(LibvirtException.class)
                .hasMessage("internal error: cannot translate keycode 4 of usb codeset to qnum codeset");
    }
}
