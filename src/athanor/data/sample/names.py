"""Names, built from syllables that have one sound in English and one sign in Chinese, so that the two stay together."""

from __future__ import annotations

import random
from collections.abc import Sequence

from athanor.data.sample.things import Pair


def pairs(text: str) -> tuple[Pair, ...]:
    """`tar 柏油, rope 缆绳` → pairs; the last space of an entry parts English from Chinese."""
    entries = (entry.strip().rsplit(" ", 1) for entry in text.replace("\n", " ").split(","))
    return tuple(Pair(*entry) for entry in entries if len(entry) == 2)


FIRST_HEADS = pairs(
    "Or 奥, Mar 玛, Ti 蒂, Bel 贝, Cas 卡, Dor 多, Fen 芬, Hal 哈, Il 伊, Jo 乔, Kes 凯, Lu 露, Mi 米, Nor 诺, "
    "Pe 佩, Ros 罗, Sel 塞, Tam 塔, Ul 乌, Vi 薇, Wen 温, Ya 雅, Ger 格, Al 阿, Bru 布, Cle 克, Dru 德, Em 艾, "
    "Flo 弗, Hes 赫, Ives 伊夫, Lor 洛, Nes 内, Ob 欧, Phi 菲, Que 奎, Ren 蕾, Sy 希, Thea 西, Wil 威"
)
FIRST_TAILS = pairs(
    "la 拉, ric 里克, na 娜, bert 伯特, mund 蒙, vin 文, da 妲, lo 洛, tis 蒂斯, ren 伦, mina 米娜, dric 德里, "
    "wyn 温, nora 诺拉, gard 加德, linde 琳德, ton 顿, bella 贝拉, mas 马斯, sett 塞特"
)
LAST_HEADS = pairs(
    "Bran 布兰, Car 卡, Dun 邓, Fal 法尔, Gar 加, Hol 霍尔, Kel 凯尔, Lam 兰, Mor 莫, Nan 南, Pol 波尔, Quil 奎尔, "
    "Rud 鲁德, Sand 桑德, Tre 特雷, Ver 维尔, Wex 韦克, Ald 奥尔德, Bos 博斯, Corn 科恩, Dray 德雷, Elm 埃尔姆, "
    "Frith 弗里斯, Grim 格里姆, Hazel 黑兹尔, Inch 英奇, Kip 基普, Lost 洛斯特, Mel 梅尔, Nether 内瑟, Pen 彭, "
    "Rook 鲁克, Spar 斯帕, Tolly 托利, Under 安德, Whit 惠特"
)
LAST_TAILS = pairs(
    "by 比, low 洛, mere 米尔, nock 诺克, stow 斯托, well 韦尔, wick 威克, ley 利, gate 盖特, combe 库姆, ford 福德, "
    "ridge 里奇, son 森, worth 沃思, kin 金, pool 普尔"
)
SAINTS = pairs(
    "Brannoc 布兰诺克, Perrin 佩林, Odile 奥迪尔, Maudez 莫德, Cuthwin 卡思温, Ivo 伊沃, Tibbald 蒂博, Wenna 温娜, "
    "Osric 奥斯里克, Hildry 希尔德, Neot 尼奥特, Piran 皮兰, Gwithian 格威森, Ludo 卢多, Austell 奥斯特尔, "
    "Merryn 梅林"
)
ISLANDS = pairs(
    "Tern Island 燕鸥岛, Kettle Island 水壶岛, Thimble Island 顶针岛, Sleepy Island 瞌睡岛, Button Island 纽扣岛, "
    "Goose Island 大鹅岛, Saucer Island 茶碟岛, Slipper Island 拖鞋岛, Candle Island 蜡烛岛, Cabbage Island 白菜岛"
)
NEWSPAPERS = pairs(
    "Tide and Tar 潮水与柏油, Morning Gull 海鸥晨报, Harbour Kettle 港口茶壶报, Foghorn 雾号报, "
    "Lantern Post 灯笼邮报, Salt Gazette 咸水公报, Weekly Anchor 锚周报, Evening Barnacle 藤壶晚报"
)
PORT_HEADS = pairs(
    "Quill 奎尔, Amber 琥珀, Marrow 马罗, Fennel 茴香, Otter 水獭, Cobble 卵石, Ember 余烬, Raven 渡鸦, "
    "Thistle 蓟草, Juniper 杜松, Pewter 锡镴, Sorrel 酸模, Willow 柳树, Hollow 空谷, Copper 赤铜, Velvet 天鹅绒, "
    "Clover 苜蓿, Crescent 新月, Saffron 番红花, Magpie 喜鹊, Bramble 荆棘, Flint 燧石, Heather 石楠, Ivory 象牙, "
    "Walnut 胡桃"
)
PORT_TAILS = pairs("haven 港, mouth 口, sund 峡, holm 屿, bay 湾, ness 岬, firth 汊")
SHIP_HEADS = pairs(
    "Patient 耐心, Merry 快活, Thirsty 口渴, Humble 谦逊, Stubborn 倔强, Drowsy 昏沉, Gallant 豪侠, Modest 矜持, "
    "Hopeful 乐天, Grumbling 嘟囔, Curious 好奇, Faithful 忠实, Dancing 跳舞, Solemn 庄重, Blushing 脸红, "
    "Wandering 漫游, Punctual 守时, Forgetful 健忘, Cheerful 开怀, Sensible 明理, Whistling 吹哨, Polite 有礼, "
    "Nimble 敏捷, Doubtful 多疑, Yawning 哈欠, Tender 温柔, Contented 知足, Reluctant 勉强"
)
SHIP_TAILS = pairs(
    "Heron 苍鹭, Widow 寡妇, Otter 水獭, Bishop 主教, Nightingale 夜莺, Turnip 萝卜, Duchess 女公爵, Walrus 海象, "
    "Swallow 燕子, Badger 獾, Pelican 鹈鹕, Grandmother 祖母, Porpoise 海豚, Cricket 蟋蟀, Hedgehog 刺猬, "
    "Dromedary 骆驼, Kingfisher 翠鸟, Mermaid 美人鱼, Tortoise 陆龟, Swan 天鹅, Magistrate 法官, Puffin 海鹦, "
    "Milkmaid 挤奶女, Comet 彗星, Hare 野兔, Sparrow 麻雀, Philosopher 哲人, Beetle 甲虫"
)
SHOP_HEADS = pairs(
    "Crooked 歪, Blue 蓝, Silent 无声, Three-legged 三腿, Second 二号, Borrowed 借来, Upside-down 倒挂, "
    "Singing 唱歌, Velvet 丝绒, Rusty 锈, Lucky 走运, Wooden 木, Paper 纸, Left-handed 左撇子, Golden 金, Tilted 斜, "
    "Hungry 饿, Striped 条纹, Floating 漂, Broken 破, Ticklish 怕痒, Tall 高, Square 方, Green 绿, Painted 彩, "
    "Folded 折, Old 老, Tiny 小小"
)
SHOP_TAILS = pairs(
    "Ladle 勺, Umbrella 伞, Kettle 壶, Boot 靴, Thimble 顶针, Anchor 锚, Candle 烛, Teapot 茶壶, Spoon 汤匙, "
    "Barrel 桶, Ladder 梯, Bell 铃, Button 纽扣, Lantern 灯笼, Pillow 枕, Whistle 哨, Compass 罗盘, Mitten 手套, "
    "Drum 鼓, Mirror 镜, Needle 针, Saucer 碟, Oar 桨, Trumpet 号, Basket 篮, Wheel 轮, Hat 帽, Chair 椅"
)
CAT_HEADS = pairs(
    "Admiral 上将, Madam 夫人, Professor 教授, Uncle 大叔, Doctor 博士, Bishop 主教, Countess 女伯爵, Sergeant 中士, "
    "Auntie 姑妈, Judge 法官, Granny 奶奶, Baron 男爵, Empress 女皇, Inspector 探长, Cousin 表弟, Pilot 领航员"
)
CAT_TAILS = pairs(
    "Biscuit 饼干, Pickle 酸瓜, Mustard 芥末, Noodle 面条, Marmalade 橘酱, Pepper 胡椒, Crumpet 松饼, Dumpling 团子, "
    "Sardine 沙丁鱼, Button 纽扣, Treacle 糖浆, Barnacle 藤壶, Waffle 华夫, Parsley 欧芹, Custard 蛋羹, "
    "Nutmeg 肉豆蔻, Sprat 小鲱, Toffee 太妃, Radish 小萝卜, Pudding 布丁, Cinnamon 肉桂, Kipper 熏鱼, Raisin 葡萄干, "
    "Bubble 泡泡, Velvet 丝绒, Puddle 水洼"
)
STREET_HEADS = pairs(
    "Tar 柏油, Herring 鲱鱼, Lamp 灯, Candle 蜡烛, Rope 缆绳, Salt 盐, Bell 钟, Gull 海鸥, Anchor 锚, Oyster 牡蛎, "
    "Ginger 生姜, Kettle 水壶, Widow's 寡妇, Pudding 布丁, Mast 桅杆, Feather 羽毛, Needle 针, Barrel 木桶, "
    "Whisper 耳语, Turnip 萝卜, Goose 大鹅, Pepper 胡椒, Sailmaker 帆匠, Mitten 手套, Cork 软木, Moon 月亮, "
    "Cherry 樱桃, Wet Sock 湿袜子, Two Cats 双猫, Sneeze 喷嚏"
)
STREET_TAILS = pairs("Lane 巷, Street 街, Steps 石阶, Alley 弄, Hill 坡, Quay 埠, Yard 院, Passage 过道")
PLACE_HEADS = pairs(
    "Old 旧, North 北, Upper 上, Little 小, Sunken 沉, Windy 风口, Dry 干, Long 长, Crooked 歪, Sunny 向阳, Back 后, "
    "Lower 下"
)
PLACE_TAILS = pairs(
    "Slipway 船台, Granary 谷仓, Bridge 桥, Cooperage 桶坊, Jetty 栈桥, Orchard 果园, Fishmarket 鱼市, "
    "Drying Ground 晒网场, Boathouse 船屋, Pump 水泵, Windmill 风车, Meadow 草地, Sail Loft 帆阁, Weighhouse 过磅房, "
    "Customs Shed 关棚, Ropewalk 绳道, Washhouse 洗衣房, Terrace 平台"
)


def joined(
    rng: random.Random, heads: Sequence[Pair], tails: Sequence[Pair], number: int, glue: str = " "
) -> list[Pair]:
    """`number` names of a head and a tail each; no head and no tail twice while there are enough of them."""
    front, back = stretched(rng, heads, number), stretched(rng, tails, number)
    while len({(head, tail) for head, tail in zip(front, back, strict=True)}) < number:
        rng.shuffle(back)
    return [Pair(head.en + glue + tail.en, head.zh + tail.zh) for head, tail in zip(front, back, strict=True)]


def stretched(rng: random.Random, words: Sequence[Pair], number: int) -> list[Pair]:
    """`number` words in random order, every word as often as any other, give or take one."""
    found: list[Pair] = []
    while len(found) < number:
        found += rng.sample(words, min(len(words), number - len(found)))
    return found


def persons(rng: random.Random, number: int) -> list[Pair]:
    """People; no two share a first name or a family name."""
    first = _distinct(rng, FIRST_HEADS, FIRST_TAILS, number)
    last = _distinct(rng, LAST_HEADS, LAST_TAILS, number)
    return [Pair(f"{a.en} {b.en}", f"{a.zh}·{b.zh}") for a, b in zip(first, last, strict=True)]


def _distinct(rng: random.Random, heads: Sequence[Pair], tails: Sequence[Pair], number: int) -> list[Pair]:
    """Names of two syllables, different in both languages; a letter that would stand three times is left out."""
    found: list[Pair] = []
    english: set[str] = set()
    chinese: set[str] = set()
    while len(found) < number:
        for name in joined(rng, heads, tails, min(number, len(heads)), ""):
            if len(found) < number and name.en not in english and name.zh not in chinese:
                found.append(name)
                english.add(name.en)
                chinese.add(name.zh)
    return found
