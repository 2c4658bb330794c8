"""The things of the town: wares, cargoes, dishes, pets, prizes, trades, in both languages. Data only."""

from __future__ import annotations

from athanor.data.sample.names import pairs
from athanor.data.sample.things import Pair

# A shop's trade and what it may be known for.
SHOPS: dict[Pair, tuple[Pair, ...]] = {
    Pair("bakery", "面包房"): pairs(
        "cinnamon knots 肉桂结, rye boats 黑麦船, anise rusks 茴香脆饼, fig loaves 无花果面包, "
        "poppy crescents 罂粟籽弯角"
    ),
    Pair("bookshop", "书店"): pairs(
        "pocket atlases 袖珍地图册, storm ballads 风暴歌谣, cookery books 菜谱, ghost stories 鬼故事, "
        "tide almanacs 潮汐历"
    ),
    Pair("tea house", "茶馆"): pairs(
        "smoked tea 烟熏茶, nettle tea 荨麻茶, plum tea 梅子茶, seaweed tea 海藻茶, pepper tea 胡椒茶"
    ),
    Pair("tavern", "酒馆"): pairs(
        "barley soup 大麦汤, pear cider 梨酒, eel pie 鳗鱼派, spiced ale 香料麦酒, onion stew 洋葱炖菜"
    ),
    Pair("clock shop", "钟表铺"): pairs(
        "cuckoo clocks 布谷鸟钟, egg timers 煮蛋计时器, ship's clocks 船钟, alarm bells 闹铃, sundials 日晷"
    ),
    Pair("apothecary", "药铺"): pairs(
        "cough drops 止咳糖, foot balm 护脚膏, camphor oil 樟脑油, sleep syrup 安睡糖浆, seasick pills 晕船丸"
    ),
    Pair("hatter's", "帽店"): pairs(
        "felt bonnets 毡帽, straw boaters 平顶草帽, fur caps 皮帽, rain hoods 雨兜帽, tricorne hats 三角帽"
    ),
    Pair("cheesemonger's", "奶酪店"): pairs(
        "goat cheese 山羊奶酪, ash cheese 草灰奶酪, blue wedges 蓝纹楔, smoked curds 烟熏凝乳, herb butter 香草黄油"
    ),
    Pair("toy shop", "玩具店"): pairs(
        "tin ducks 铁皮鸭, kites 风筝, puppets 木偶, spinning tops 陀螺, paper theatres 纸戏台"
    ),
    Pair("chandlery", "船具店"): pairs(
        "brass lamps 黄铜灯, tarred rope 柏油绳, signal flags 信号旗, cork floats 软木浮子, boat hooks 船钩"
    ),
    Pair("sweet shop", "糖果店"): pairs(
        "salt caramels 海盐焦糖, barley sugar 麦芽糖, ginger drops 姜糖, almond nougat 杏仁牛轧糖, "
        "mint humbugs 薄荷硬糖"
    ),
    Pair("fishmonger's", "鱼铺"): pairs(
        "red mullet 红鲻鱼, live lobsters 活龙虾, cod roe 鳕鱼籽, grey shrimps 灰虾, oysters 生蚝"
    ),
    Pair("tailor's", "裁缝铺"): pairs(
        "oilskin coats 油布大衣, sailor collars 水手领, wool trousers 羊毛裤, silk scarves 丝巾, "
        "patched elbows 补肘外套"
    ),
    Pair("pottery", "陶器铺"): pairs(
        "fish plates 鱼盘, egg cups 蛋杯, ink pots 墨水罐, salt jars 盐罐, piggy banks 存钱罐"
    ),
    Pair("music shop", "乐器行"): pairs(
        "fiddle strings 琴弦, sheet music 乐谱, drumsticks 鼓槌, tuning forks 音叉, music boxes 八音盒"
    ),
    Pair("flower shop", "花店"): pairs(
        "sea pinks 海石竹, dried thistles 干蓟花, tulips 郁金香, lavender bags 薰衣草包, paper roses 纸玫瑰"
    ),
    Pair("soup kitchen", "汤铺"): pairs(
        "crab bisque 蟹汤, pea soup 豌豆汤, fish chowder 鱼羹, leek broth 韭葱汤, beet soup 甜菜汤"
    ),
    Pair("stationer's", "文具店"): pairs(
        "violet ink 紫墨水, goose quills 鹅毛笔, sealing wax 火漆, log books 航海日志本, blotting paper 吸墨纸"
    ),
    Pair("cobbler's", "鞋铺"): pairs(
        "sea boots 水手靴, cork soles 软木鞋底, dance shoes 舞鞋, felt slippers 毡拖鞋, wooden clogs 木屐"
    ),
    Pair("noodle shop", "面馆"): pairs(
        "oyster noodles 蚝仔面, cold noodles 凉面, pepper dumplings 胡椒饺子, beef noodles 牛肉面, spring rolls 春卷"
    ),
}
SHIP_TRADES = pairs("brig 双桅船, schooner 纵帆船, ketch 双桅渔船, cutter 快艇, barque 三桅船, lugger 斜桁船")
CARGOES = pairs(
    "lemons 柠檬, church bells 教堂铜钟, sugar loaves 糖锥, marble 大理石, pianos 钢琴, rice 大米, "
    "window glass 窗玻璃, wool 羊毛, porcelain 瓷器, cork bark 软木皮, dried figs 无花果干, gunpowder 火药, "
    "olive oil 橄榄油, slate 石板瓦, cloves 丁香, timber 木材, copper wire 铜线, oranges 橙子, ice blocks 冰块, "
    "saddles 马鞍, mattresses 床垫, vinegar 醋, cannonballs 炮弹, paper 纸张, bees 蜜蜂, mirrors 镜子, chalk 白垩, "
    "nutmeg 肉豆蔻, barrels of tar 桶装柏油, coffee 咖啡, cheese wheels 整轮奶酪, candles 蜡烛, bricks 砖头, "
    "silk 丝绸, horseshoes 马蹄铁, potatoes 土豆, soap 肥皂, gravel 砂砾, umbrellas 雨伞, statues 雕像"
)
FIGUREHEAD_HEADS = pairs(
    "laughing 大笑的, gilded 镀金的, one-armed 独臂的, sleeping 睡着的, bearded 大胡子, winking 眨眼的, "
    "freckled 雀斑, scowling 皱眉的, kneeling 跪着的, singing 唱歌的, red-haired 红发, toothless 没牙的, "
    "crowned 戴冠的, barefoot 赤脚的, masked 蒙面的, armless 断臂的"
)
FIGUREHEAD_TAILS = pairs(
    "lion 狮子, king 国王, baker 面包师, angel 天使, goat 山羊, sailor 水手, queen 王后, monk 修士, dragon 龙, "
    "nurse 护士, bear 熊, fox 狐狸, giant 巨人, judge 判官, shepherd 牧羊人, unicorn 独角兽, drummer 鼓手, cook 厨子"
)
SIGN_HEADS = pairs(
    "yawning 打哈欠的, green 绿, two-headed 双头, dancing 跳舞的, fat 胖, spotted 花斑, flying 会飞的, "
    "sneezing 打喷嚏的, polite 彬彬有礼的, purple 紫, knitting 织毛衣的, sulking 生闷气的, moonlit 月下的, "
    "thirsty 口渴的, bald 秃头, ticklish 怕痒的, drowsy 犯困的"
)
SIGN_TAILS = pairs(
    "herring 鲱鱼, pig 猪, whale 鲸, owl 猫头鹰, goose 鹅, snail 蜗牛, hare 兔子, lobster 龙虾, crab 螃蟹, cat 猫, "
    "frog 青蛙, seal 海豹, rooster 公鸡, camel 骆驼, moth 飞蛾, donkey 驴, cod 鳕鱼, hen 母鸡"
)
JOBS = pairs(
    "lamplighter 点灯人, ropemaker 制绳匠, harbour master 港务长, town crier 报信人, bell-ringer 敲钟人, "
    "net mender 补网匠, postmistress 邮政所长, piano tuner 调琴师, dentist 牙医, beekeeper 养蜂人, "
    "chimney sweep 扫烟囱工, schoolteacher 教书先生, midwife 接生婆, barber 理发师, ferry pilot 渡船领航员, "
    "judge 法官, gravedigger 掘墓人, cook 厨师, sailmaker 帆匠, weatherman 气象员, sign painter 招牌画师, "
    "rat catcher 捕鼠人, glazier 玻璃匠, diver 潜水员, translator 翻译, cooper 箍桶匠, tax collector 收税官, "
    "photographer 照相师, umbrella mender 修伞匠, tattooist 纹身师, milkman 送奶工, librarian 图书管理员, "
    "magician 魔术师, surgeon 外科医生, map-maker 绘图师, fortune-teller 算命师, knife grinder 磨刀匠, "
    "oyster farmer 养蚝人, shipwright 造船匠, lock-keeper 看闸人, organist 管风琴师, stonemason 石匠, "
    "signalman 信号员, seamstress 女裁缝, bookbinder 装订匠"
)
PET_HEADS = pairs(
    "one-eyed 独眼, deaf 耳背的, snow-white 雪白的, sleepy 瞌睡, three-legged 三条腿的, spotted 花斑, ginger 姜黄, "
    "enormous 大块头, tame 驯熟的, long-haired 长毛, nervous 胆小的, vain 臭美的, lame 跛脚, greedy 贪吃的, "
    "retired 退休的, bow-legged 罗圈腿, silver 银灰, grumpy 坏脾气"
)
PET_TAILS = pairs(
    "parrot 鹦鹉, tortoise 乌龟, goat 山羊, ferret 雪貂, seagull 海鸥, donkey 毛驴, poodle 贵宾犬, hedgehog 刺猬, "
    "lobster 龙虾, crow 乌鸦, rabbit 兔子, pony 矮马, toad 蛤蟆, otter 水獭, goose 大鹅, pig 胖猪, canary 金丝雀, "
    "monkey 猴子, bulldog 斗牛犬, newt 蝾螈, peacock 孔雀, hamster 仓鼠"
)
DISH_HEADS = pairs(
    "smoked 烟熏, pickled 腌, stewed 炖, fried 炸, baked 烤, salted 盐渍, peppered 胡椒, honeyed 蜜汁, "
    "buttered 黄油, curried 咖喱, crumbed 脆皮, jellied 冻, steamed 清蒸, devilled 辣, minced 碎, stuffed 酿"
)
DISH_TAILS = pairs(
    "eel 鳗鱼, cod 鳕鱼, plums 李子, turnips 萝卜, mussels 贻贝, onions 洋葱, duck 鸭, walnuts 核桃, eggs 鸡蛋, "
    "chestnuts 栗子, crab 螃蟹, leeks 韭葱, sprats 小鲱鱼, kidneys 腰花, pumpkin 南瓜, carrots 胡萝卜, trout 鳟鱼, "
    "mushrooms 蘑菇, squid 鱿鱼, beans 豆子, cabbage 卷心菜, liver 肝"
)
TREASURE_HEADS = pairs(
    "brass 黄铜, odd 古怪, foreign 外国, broken 破, rusty 生锈的, striped 条纹, tiny 微型, lost 无主, glass 玻璃, "
    "wooden 木头, painted 彩绘, bent 弯, singing 会唱歌的, folded 折叠, numbered 编号, stolen 偷来的"
)
TREASURE_TAILS = pairs(
    "buttons 纽扣, keys 钥匙, stamps 邮票, clocks 座钟, corks 瓶塞, gloves 手套, spoons 勺子, walking sticks 手杖, "
    "eggshells 蛋壳, bells 铃铛, feathers 羽毛, doorknobs 门把手, thimbles 顶针, spectacles 眼镜, maps 地图, "
    "teeth 牙齿, bottles 瓶子, shoelaces 鞋带, hinges 合页, postcards 明信片, pebbles 卵石, hats 帽子"
)
INSTRUMENTS = pairs(
    "concertina 六角手风琴, tin whistle 锡哨, fiddle 提琴, bagpipes 风笛, harp 竖琴, tuba 大号, banjo 班卓琴, "
    "flute 长笛, cello 大提琴, mouth organ 口琴, bassoon 巴松管, kettledrum 定音鼓, zither 齐特琴, oboe 双簧管, "
    "trombone 长号, mandolin 曼陀林, triangle 三角铁, lute 鲁特琴, barrel organ 手摇风琴, clarinet 单簧管, "
    "cymbals 铜钹, ocarina 陶笛, viola 中提琴, xylophone 木琴, lyre 里拉琴, cornet 短号, musical saw 锯琴, "
    "bugle 军号, spoons 响匙, erhu 二胡, pipa 琵琶, suona 唢呐, guqin 古琴, bamboo flute 竹笛, gong 锣, dulcimer 扬琴"
)
PRIZE_HEADS = pairs(
    "silver 银, copper 紫铜, crystal 水晶, ivory 象牙, pewter 锡镴, oak 橡木, gilded 镀金, jade 玉, coral 珊瑚, "
    "marble 大理石, enamel 珐琅, amber 琥珀, velvet 天鹅绒, iron 铁"
)
PRIZE_TAILS = pairs(
    "teapot 茶壶, ladle 长勺, snuffbox 鼻烟盒, goblet 高脚杯, candlestick 烛台, frying pan 煎锅, mirror 镜子, "
    "comb 梳子, inkwell 墨水瓶, doorbell 门铃, footstool 脚凳, walking stick 手杖, bathtub 浴缸, birdcage 鸟笼, "
    "sugar bowl 糖罐, weathercock 风向鸡, chessboard 棋盘, salt cellar 盐瓶, hourglass 沙漏, tray 托盘"
)
EVENT_HEADS = pairs(
    "Lantern 灯笼, Herring 鲱鱼, Umbrella 雨伞, Dumpling 团子, Kite 风筝, Bell 铜钟, Pancake 薄饼, Mustard 芥末, "
    "Rope 缆绳, Snail 蜗牛, Oyster 牡蛎, Candle 蜡烛, Hat 帽子, Button 纽扣, Plum 李子, Eel 鳗鱼, Whistle 口哨, "
    "Soup 热汤, Fog 大雾, Barrel 木桶, Pumpkin 南瓜, Goose 大鹅, Stilt 高跷, Pudding 布丁"
)
EVENT_TAILS = pairs(
    "Regatta 赛船会, Race 赛跑, Fair 集市, Night 之夜, Parade 游行, Supper 晚宴, Contest 大赛, Ball 舞会, "
    "Sunday 礼拜天, Jubilee 庆典"
)
HOUSES = pairs(
    "the Museum of Knots 绳结博物馆, the Museum of Fog 雾博物馆, the Museum of Whistles 哨子博物馆, "
    "the Museum of Soup 汤博物馆, the Museum of Lost Gloves 失物手套馆, the Museum of Barnacles 藤壶博物馆, "
    "the North Lighthouse 北灯塔, the Weather House 天气屋, the Drowned Library 水淹图书馆, the Bell Tower 大钟楼, "
    "the Opera Shed 歌剧棚, the Tide Clock 潮汐钟, the Whale Hall 鲸骨厅, the Map Room 海图室, "
    "the Glass Garden 玻璃花园, the Old Prison 老监狱, the Pigeon Post 鸽子邮局, the Echo Cistern 回声水窖, "
    "the Star Attic 观星阁, the Salt Cellar 盐窖, the Wax Cabinet 蜡像馆, the Toy Arsenal 玩具军械库, "
    "the Moon Baths 月亮浴场, the Widow's Watch 望夫台"
)
EXHIBIT_HEADS = pairs(
    "stuffed 标本, drowned 淹过水的, talking 会说话的, headless 无头的, miniature 微缩, petrified 石化的, "
    "gigantic 巨型, forged 伪造的, frozen 冻住的, haunted 闹鬼的, unfinished 没完工的, invisible 隐形, "
    "backward 倒走的, inflatable 充气, mechanical 机械, portable 便携"
)
EXHIBIT_TAILS = pairs(
    "walrus 海象, globe 地球仪, throne 宝座, chess player 棋手, harpoon 鱼叉, mermaid 美人鱼, cannon 大炮, "
    "cuckoo 布谷鸟, rocking horse 摇马, sausage 香肠, portrait 肖像, staircase 楼梯, bathtub 浴缸, crocodile 鳄鱼, "
    "telescope 望远镜, organ 管风琴, anvil 铁砧, wedding cake 喜糕"
)
# What is forbidden. English: a gerund that follows "for"; Chinese: a verb phrase that follows 因.
RULES: tuple[Pair, ...] = (
    Pair("feeding the gulls", "喂海鸥"),
    Pair("whistling at night", "夜里吹口哨"),
    Pair("drying nets on the church fence", "在教堂栅栏上晾网"),
    Pair("rolling barrels downhill", "往坡下滚桶"),
    Pair("keeping a goose in the library", "带鹅进图书馆"),
    Pair("singing under the judge's window", "在法官窗下唱歌"),
    Pair("frying fish on the ferry", "在渡船上炸鱼"),
    Pair("painting a boat on Sunday", "礼拜天刷船"),
    Pair("borrowing the foghorn", "私借雾号"),
    Pair("sleeping in a lobster pot", "睡在龙虾笼里"),
    Pair("moving the town clock", "拨动市钟"),
    Pair("selling umbrellas during rain", "下雨时卖伞"),
    Pair("racing wheelbarrows", "赛独轮车"),
    Pair("bathing in the fountain", "在喷泉里洗澡"),
    Pair("insulting the ferryman", "顶撞摆渡人"),
    Pair("shaking carpets from the bridge", "在桥上抖地毯"),
    Pair("ringing the bell for fun", "敲钟取乐"),
    Pair("tying a boat to the statue", "把船拴在雕像上"),
    Pair("smoking eels indoors", "在屋里熏鳗鱼"),
    Pair("throwing snowballs at the mayor", "朝市长扔雪球"),
    Pair("walking backwards on the pier", "在码头倒着走"),
    Pair("wearing skates to council", "穿冰鞋开会"),
    Pair("gambling with anchovies", "拿凤尾鱼赌钱"),
    Pair("hiding letters from the postman", "藏邮差的信"),
    Pair("waking the lamplighter", "吵醒点灯人"),
    Pair("growing leeks on the roof", "在屋顶种韭葱"),
)
